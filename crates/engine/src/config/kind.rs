//! The types of parameters: how the words of one setting become a [`Value`] and back.
//!
//! Texts of refusal are Redis's, byte for byte, because clients and tools read them. Settings of
//! several words have their own grammar in [`super::words`]. Knows no parameter by name.

use std::fmt::Write as _;
use std::sync::Arc;

use super::special::{self, BindAddress, OutputLimits, SavePoint};

/// The type of a parameter.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// `yes` or `no`; the value is 1 or 0.
    Bool,
    /// A whole number between the bounds, both included.
    Int {
        /// Smallest value.
        min: i64,
        /// Greatest value.
        max: i64,
    },
    /// Bytes, with the units `b k kb m mb g gb`; kept as the bits of a `u64`.
    Memory {
        /// Smallest value.
        min: u64,
        /// Greatest value.
        max: u64,
    },
    /// Bytes as [`Kind::Memory`], or a share of `maxmemory` from `0%` to `100%`, kept negative.
    MemoryOrPercent,
    /// File permissions in octal, at most `777`.
    Octal,
    /// One word of a list; the value is the number beside it. Words that share a number are
    /// synonyms, of which the first is shown.
    Choice(&'static [(&'static str, i64)]),
    /// Any words of a list; the value is the OR of the numbers beside them.
    Flags(&'static [(&'static str, i64)]),
    /// Any bytes that the rule admits.
    Text(TextRule),
    /// `save <seconds> <changes> …`.
    Save,
    /// `bind <address> …`.
    Bind,
    /// `client-output-buffer-limit <class> <hard> <soft> <seconds> …`.
    OutputLimits,
    /// `oom-score-adj-values <master> <replica> <child>`.
    OomValues,
    /// `notify-keyspace-events <letters>`.
    Notify,
    /// `latency-tracking-info-percentiles <p> …`.
    Percentiles,
    /// `replicaof <host> <port>`.
    ReplicaOf,
}

/// What a text must look like; the error is the sentence that the client gets.
pub type TextRule = fn(&[u8]) -> Result<(), &'static str>;

/// The value of a parameter, of the shape that its [`Kind`] has.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Of every kind that fits 64 bits.
    Int(i64),
    /// Of [`Kind::Text`] and [`Kind::ReplicaOf`]; empty when not set.
    Text(Arc<[u8]>),
    /// Of [`Kind::Save`].
    Save(Arc<[SavePoint]>),
    /// Of [`Kind::Bind`].
    Bind(Arc<[BindAddress]>),
    /// Of [`Kind::OutputLimits`].
    OutputLimits(OutputLimits),
    /// Of [`Kind::OomValues`].
    OomValues([i32; 3]),
    /// Of [`Kind::Percentiles`].
    Percentiles(Arc<[f64]>),
}

/// Why the words of a setting are refused, in Redis's words.
pub type Reason = String;

impl Kind {
    /// True if the setting takes a list of words in a file, on a command line and in `CONFIG SET`.
    #[must_use]
    pub fn takes_words(self) -> bool {
        matches!(
            self,
            Self::Flags(_)
                | Self::Save
                | Self::Bind
                | Self::OutputLimits
                | Self::OomValues
                | Self::Percentiles
                | Self::ReplicaOf
        )
    }

    /// Turns the words of a setting into a value. `current` is the value that holds so far; a
    /// setting that names only a part (one class of clients) keeps the rest of it.
    ///
    /// # Errors
    /// A sentence of Redis's that says what is wrong with the words.
    pub fn parse(self, words: &[&[u8]], current: &Value) -> Result<Value, Reason> {
        if !self.takes_words() && words.len() != 1 {
            return Err("wrong number of arguments".into());
        }
        match self {
            Self::Bool => parse_bool(words[0]),
            Self::Int { min, max } => parse_int(words[0], min, max),
            Self::Memory { min, max } => parse_memory(words[0], min, max),
            Self::MemoryOrPercent => parse_memory_or_percent(words[0]),
            Self::Octal => parse_octal(words[0]),
            Self::Choice(list) => parse_flags(words, list),
            Self::Flags(list) => parse_flags(words, list).and_then(refuse_save_with_nosave),
            Self::Text(rule) => match rule(words[0]) {
                Ok(()) => Ok(Value::Text(words[0].into())),
                Err(reason) => Err(reason.into()),
            },
            Self::Save => special::parse_save(words).map(Value::Save),
            Self::Bind => special::parse_bind(words).map(Value::Bind),
            Self::OutputLimits => {
                let Value::OutputLimits(limits) = current else {
                    return Err("wrong number of arguments".into());
                };
                special::parse_output_limits(words, *limits).map(Value::OutputLimits)
            }
            Self::OomValues => special::parse_oom_values(words).map(Value::OomValues),
            Self::Notify => special::parse_notify(words[0]).map(Value::Int),
            Self::Percentiles => special::parse_percentiles(words).map(Value::Percentiles),
            Self::ReplicaOf => special::parse_replicaof(words).map(|text| Value::Text(text.into())),
        }
    }

    /// The value as `CONFIG GET` shows it.
    #[must_use]
    pub fn show(self, value: &Value) -> Vec<u8> {
        match (self, value) {
            (Self::Bool, Value::Int(on)) => if *on == 0 { "no" } else { "yes" }.into(),
            (Self::Memory { .. }, Value::Int(bits)) => {
                bits.cast_unsigned().to_string().into_bytes()
            }
            (Self::MemoryOrPercent, Value::Int(n)) if *n < 0 => format!("{}%", -n).into_bytes(),
            (Self::Octal, Value::Int(n)) => format!("{n:o}").into_bytes(),
            (Self::Choice(list), Value::Int(n)) => word_of(list, *n).into(),
            (Self::Flags(list), Value::Int(n)) => words_of(list, *n).into(),
            (Self::Notify, Value::Int(n)) => special::show_notify(*n).into_bytes(),
            (_, Value::Int(n)) => n.to_string().into_bytes(),
            (_, Value::Text(text)) => text.to_vec(),
            (_, Value::Save(points)) => special::show_save(points).into_bytes(),
            (_, Value::Bind(list)) => special::show_bind(list).into_bytes(),
            (_, Value::OutputLimits(limits)) => special::show_output_limits(limits).into_bytes(),
            (_, Value::OomValues([a, b, c])) => format!("{a} {b} {c}").into_bytes(),
            (_, Value::Percentiles(list)) => special::show_percentiles(list).into_bytes(),
        }
    }

    /// The value's empty form, before any default is known.
    pub(super) fn blank(self) -> Value {
        match self {
            Self::Text(_) | Self::ReplicaOf => Value::Text([].into()),
            Self::Save => Value::Save([].into()),
            Self::Bind => Value::Bind([].into()),
            Self::OutputLimits => Value::OutputLimits(OutputLimits::default()),
            Self::OomValues => Value::OomValues([0; 3]),
            Self::Percentiles => Value::Percentiles([].into()),
            _ => Value::Int(0),
        }
    }
}

/// Reads a decimal number as strictly as Redis does: no `+`, no leading zeros, no spaces.
#[must_use]
pub fn integer(word: &[u8]) -> Option<i64> {
    let digits = word.strip_prefix(b"-").unwrap_or(word);
    let plain = match digits {
        [b'0'] => digits.len() == word.len(),
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if !plain {
        return None;
    }
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// Reads an amount of memory such as `512`, `100mb` or `1g`; no word at all is 0, as in Redis.
#[must_use]
pub fn memory(word: &[u8]) -> Option<u64> {
    let split = word.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(word.len());
    let (digits, unit) = word.split_at(split);
    let factor = match unit.to_ascii_lowercase().as_slice() {
        b"" | b"b" => 1,
        b"k" => 1_000,
        b"kb" => 1 << 10,
        b"m" => 1_000_000,
        b"mb" => 1 << 20,
        b"g" => 1_000_000_000,
        b"gb" => 1 << 30,
        _ => return None,
    };
    let number: u64 = match digits {
        b"" => 0,
        _ => std::str::from_utf8(digits).ok()?.parse().ok()?,
    };
    number.checked_mul(factor)
}

/// The shortest exact way to write an amount of memory in a file.
#[must_use]
pub fn memory_text(bytes: u64) -> String {
    for (shift, unit) in [(30, "gb"), (20, "mb"), (10, "kb")] {
        if bytes != 0 && bytes.trailing_zeros() >= shift {
            return format!("{}{unit}", bytes >> shift);
        }
    }
    bytes.to_string()
}

fn parse_bool(word: &[u8]) -> Result<Value, Reason> {
    if word.eq_ignore_ascii_case(b"yes") {
        Ok(Value::Int(1))
    } else if word.eq_ignore_ascii_case(b"no") {
        Ok(Value::Int(0))
    } else {
        Err("argument must be 'yes' or 'no'".into())
    }
}

fn parse_int(word: &[u8], min: i64, max: i64) -> Result<Value, Reason> {
    let number = integer(word).ok_or("argument couldn't be parsed into an integer")?;
    if number < min || number > max {
        return Err(format!("argument must be between {min} and {max} inclusive"));
    }
    Ok(Value::Int(number))
}

fn parse_memory(word: &[u8], min: u64, max: u64) -> Result<Value, Reason> {
    let bytes = memory(word).ok_or("argument must be a memory value")?;
    if bytes < min || bytes > max {
        return Err(format!("argument must be between {min} and {max} inclusive"));
    }
    Ok(Value::Int(bytes.cast_signed()))
}

fn parse_memory_or_percent(word: &[u8]) -> Result<Value, Reason> {
    if let Some(bytes) = memory(word) {
        return i64::try_from(bytes)
            .map(Value::Int)
            .map_err(|_| format!("argument must be between -100 and {} inclusive", i64::MAX));
    }
    match word.strip_suffix(b"%").and_then(integer) {
        Some(percent) if percent > 100 => {
            Err("percentage argument must be less or equal to 100".into())
        }
        Some(percent) if percent >= 0 => Ok(Value::Int(-percent)),
        _ => Err("argument must be a memory or percent value".into()),
    }
}

fn parse_octal(word: &[u8]) -> Result<Value, Reason> {
    let number = std::str::from_utf8(word)
        .ok()
        .and_then(|text| i64::from_str_radix(text, 8).ok())
        .ok_or("argument couldn't be parsed as an octal number")?;
    if !(0..=0o777).contains(&number) {
        return Err("argument must be between 0 and 777 inclusive".into());
    }
    Ok(Value::Int(number))
}

fn parse_flags(words: &[&[u8]], list: &[(&str, i64)]) -> Result<Value, Reason> {
    let mut flags = 0;
    for word in words {
        let found = list.iter().find(|(name, _)| word.eq_ignore_ascii_case(name.as_bytes()));
        match found {
            Some((_, bits)) => flags |= bits,
            None => return Err(one_of(list)),
        }
    }
    if words.is_empty() {
        return Err(one_of(list));
    }
    Ok(Value::Int(flags))
}

fn refuse_save_with_nosave(value: Value) -> Result<Value, Reason> {
    match value {
        Value::Int(flags) if flags & 0b11 == 0b11 => {
            Err("shutdown options SAVE and NOSAVE can't be used simultaneously".into())
        }
        fine => Ok(fine),
    }
}

fn one_of(list: &[(&str, i64)]) -> Reason {
    let names: Vec<&str> = list.iter().map(|(name, _)| *name).collect();
    format!("argument(s) must be one of the following: {}", names.join(", "))
}

fn word_of(list: &[(&'static str, i64)], number: i64) -> &'static str {
    list.iter().find(|(_, n)| *n == number).map_or("unknown", |(name, _)| name)
}

fn words_of(list: &[(&'static str, i64)], flags: i64) -> String {
    if flags == 0 {
        return word_of(list, 0).into();
    }
    let mut text = String::new();
    for (name, _) in list.iter().filter(|(_, bits)| *bits != 0 && flags & bits == *bits) {
        let gap = if text.is_empty() { "" } else { " " };
        let _ = write!(text, "{gap}{name}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_strictly_as_redis_reads_them() {
        assert_eq!(integer(b"0"), Some(0));
        assert_eq!(integer(b"-1"), Some(-1));
        assert_eq!(integer(b"9223372036854775807"), Some(i64::MAX));
        assert_eq!(integer(b"-9223372036854775808"), Some(i64::MIN));
        for bad in ["", "-", "-0", "+1", "01", " 1", "1 ", "1x", "9223372036854775808"] {
            assert_eq!(integer(bad.as_bytes()), None, "{bad:?}");
        }
    }

    #[test]
    fn memory_has_two_families_of_units() {
        assert_eq!(memory(b"1k"), Some(1000));
        assert_eq!(memory(b"1KB"), Some(1024));
        assert_eq!(memory(b"3m"), Some(3_000_000));
        assert_eq!(memory(b"1gB"), Some(1 << 30));
        assert_eq!(memory(b"2B"), Some(2));
        assert_eq!(memory(b""), Some(0));
        assert_eq!(memory(b"18446744073709551615"), Some(u64::MAX));
        for bad in ["-1", "1.5gb", "10kbx", "abc", "18446744073709551616", "99999999999999gb"] {
            assert_eq!(memory(bad.as_bytes()), None, "{bad:?}");
        }
    }

    #[test]
    fn memory_is_written_with_the_greatest_unit_that_divides_it() {
        assert_eq!(memory_text(0), "0");
        assert_eq!(memory_text(1 << 30), "1gb");
        assert_eq!(memory_text(64 << 20), "64mb");
        assert_eq!(memory_text(1025), "1025");
        assert_eq!(memory_text(3 << 10), "3kb");
    }

    #[test]
    fn a_percentage_is_kept_negative_and_shown_as_it_was_written() {
        let kind = Kind::MemoryOrPercent;
        let value = kind.parse(&[b"5%"], &Value::Int(0)).unwrap();
        assert_eq!(value, Value::Int(-5));
        assert_eq!(kind.show(&value), b"5%");
        let refused = |word: &[u8]| kind.parse(&[word], &Value::Int(0)).unwrap_err();
        assert_eq!(refused(b"200%"), "percentage argument must be less or equal to 100");
        assert_eq!(refused(b"x%"), "argument must be a memory or percent value");
        assert_eq!(refused(b"-5%"), "argument must be a memory or percent value");
    }
}
