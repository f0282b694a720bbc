//! Expiry arguments: `EX 10`, `PXAT 1700000000000` and their limits, for every command that
//! takes them.

use crate::args::Args;
use crate::command::Words;
use crate::error::Error;
use larder_codec::integer::parse_i64_canonical;

/// In which unit and from which zero an expiry is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// `EX`: seconds from now.
    Seconds,
    /// `PX`: milliseconds from now.
    Milliseconds,
    /// `EXAT`: Unix time in seconds.
    UnixSeconds,
    /// `PXAT`: Unix time in milliseconds.
    UnixMilliseconds,
}

impl Unit {
    const OPTIONS: [(Unit, &'static str); 4] = [
        (Unit::Seconds, "EX"),
        (Unit::Milliseconds, "PX"),
        (Unit::UnixSeconds, "EXAT"),
        (Unit::UnixMilliseconds, "PXAT"),
    ];

    /// The unit that an option word names.
    pub fn of_option(word: &[u8]) -> Option<Unit> {
        let is = |(_, name): &&(Unit, &str)| word.eq_ignore_ascii_case(name.as_bytes());
        Self::OPTIONS.iter().find(is).map(|(unit, _)| *unit)
    }

    /// The option's word.
    pub fn option(self) -> &'static str {
        match self {
            Unit::Seconds => "EX",
            Unit::Milliseconds => "PX",
            Unit::UnixSeconds => "EXAT",
            Unit::UnixMilliseconds => "PXAT",
        }
    }
}

/// An expiry as it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExpiryArg {
    /// The unit.
    pub unit: Unit,
    /// The number.
    pub amount: i64,
}

impl ExpiryArg {
    /// Reads the number of an option; it must be positive.
    ///
    /// # Errors
    /// Not an integer, or an invalid expire time for the command.
    pub fn parse(unit: Unit, args: &mut Args<'_>, command: &str) -> Result<Self, Error> {
        ExpiryArg::of_word(unit, args.word()?, command)
    }

    /// The same from a word.
    ///
    /// # Errors
    /// Not an integer, or an invalid expire time for the command.
    pub fn of_word(unit: Unit, word: &[u8], command: &str) -> Result<Self, Error> {
        let amount = parse_i64_canonical(word).ok_or(Error::NotInteger)?;
        let arg = ExpiryArg { unit, amount };
        if amount <= 0 || arg.in_ms().is_none() {
            return Err(Error::invalid_expire(command));
        }
        Ok(arg)
    }

    /// The option as words.
    pub fn words(&self, words: &mut Words<'_>) {
        words.keyword(self.unit.option()).int(self.amount);
    }

    /// The deadline in Unix milliseconds; 0 for one before 1970.
    ///
    /// # Errors
    /// An invalid expire time for the command, where the sum does not fit.
    pub fn deadline_ms(&self, now_ms: u64, command: &str) -> Result<u64, Error> {
        let deadline = match self.unit {
            Unit::Seconds | Unit::Milliseconds => {
                self.in_ms().and_then(|ms| ms.checked_add(now_ms.cast_signed()))
            }
            Unit::UnixSeconds | Unit::UnixMilliseconds => self.in_ms(),
        };
        let deadline = deadline.ok_or_else(|| Error::invalid_expire(command))?;
        Ok(deadline.max(0).cast_unsigned())
    }

    fn in_ms(&self) -> Option<i64> {
        match self.unit {
            Unit::Seconds | Unit::UnixSeconds => self.amount.checked_mul(1000),
            Unit::Milliseconds | Unit::UnixMilliseconds => Some(self.amount),
        }
    }
}

/// The expiry option of a command whose options are being read; its number is read after all of
/// them, so that a syntax error comes first.
#[derive(Debug, Clone, Copy, Default)]
pub struct ExpiryOption<'a>(Option<(Unit, &'a [u8])>);

impl<'a> ExpiryOption<'a> {
    /// Takes an option with its number, if one stands next. The same one again replaces it.
    pub fn take(&mut self, args: &mut Args<'a>) -> bool {
        let Some(unit) = args.peek().and_then(Unit::of_option) else { return false };
        if args.left() < 2 || self.0.is_some_and(|(other, _)| other != unit) {
            return false;
        }
        self.0 = args.words(2).ok().map(|words| (unit, words[1]));
        true
    }

    /// The unit and the number as it was given, for a command that reads the number later.
    pub fn given(self) -> Option<(Unit, &'a [u8])> {
        self.0
    }

    /// Whether there was one.
    pub fn is_given(&self) -> bool {
        self.0.is_some()
    }

    /// The expiry, if one was given.
    ///
    /// # Errors
    /// Not an integer, or an invalid expire time for the command.
    pub fn read(self, command: &str) -> Result<Option<ExpiryArg>, Error> {
        self.0.map(|(unit, word)| ExpiryArg::of_word(unit, word, command)).transpose()
    }
}
