//! What the commands on deadlines of fields share: the words `FIELDS numfields field …`, expiries
//! whose numbers are read late, the bodies of HEXPIRE and its twins, of HTTL and its twins.

use super::super::generic::deadline::{Told, When};
use super::{hdel, hpexpireat};
use crate::args::Args;
use crate::command::{Ctx, Words};
use crate::error::Error;
use crate::expiry::{ExpiryArg, ExpiryOption, Unit};
use crate::keys::Keys;
use crate::notify::FIELDS_EXPIRED;
use crate::notify::names::{self, Effect, Events};
use crate::reply::Reply;
use crate::spec::Spec;
use crate::values::hash::{self, HashGate, HashRef};
use larder_codec::integer::{MAX_TEXT, format_i64, parse_i64_canonical};

/// The keyword before the number of fields.
pub(super) const FIELDS: &str = "FIELDS";

pub(super) const WRONG_COUNT: Error =
    Error::text("ERR numfields should be greater than 0 and match the provided number of fields");

/// What is told of commands that set the deadlines of fields, or remove the fields.
pub(super) const DEADLINE_EVENTS: Events = Events::told(&[
    names::Told::of(0, FIELDS_EXPIRED)
        .when(names::When::Always)
        .where_effect(Effect::Is(hdel::SPEC.name)),
    names::Told { name: names::Name::Own, ..names::Told::of(0, "") }
        .where_effect(Effect::IsNot(hdel::SPEC.name)),
]);

/// Takes `FIELDS numfields field …`, which must stand next; another number of fields is `wrong`.
pub(super) fn numbered<'a>(args: &mut Args<'a>, wrong: Error) -> Result<&'a [&'a [u8]], Error> {
    if !args.keyword(FIELDS) {
        return Err(Error::Syntax);
    }
    counted(args.rest(), 1, wrong)
}

/// Takes options up to the word `FIELDS`, the number behind it, and for each of so many fields
/// `width` words.
pub(super) fn after_options<'a, T>(
    args: &mut Args<'a>,
    width: usize,
    options: impl FnOnce(&mut Args<'a>) -> Result<T, Error>,
) -> Result<(T, &'a [&'a [u8]]), Error> {
    let words = args.rest();
    let is = |word: &&[u8]| word.eq_ignore_ascii_case(FIELDS.as_bytes());
    let at = words.iter().position(is).filter(|at| at + 1 < words.len()).ok_or(WRONG_COUNT)?;
    let mut before = Args::new(&words[..at]);
    let options = options(&mut before)?;
    before.end()?;
    Ok((options, counted(&words[at + 1..], width, WRONG_COUNT)?))
}

fn counted<'a>(words: &'a [&'a [u8]], width: usize, wrong: Error) -> Result<&'a [&'a [u8]], Error> {
    let (number, fields) = words.split_first().ok_or(Error::Syntax)?;
    let number = parse_i64_canonical(number).ok_or(Error::NotInteger)?;
    let expected = usize::try_from(number).ok().and_then(|number| number.checked_mul(width));
    if fields.is_empty() || expected != Some(fields.len()) {
        return Err(wrong);
    }
    Ok(fields)
}

/// Writes `FIELDS numfields field …`, where each field takes `width` words.
pub(super) fn write(fields: &[&[u8]], width: usize, words: &mut Words<'_>) {
    words.keyword(FIELDS).int((fields.len() / width) as i64).all(fields);
}

/// Names an effect on some fields: the command, the key, options, `FIELDS numfields field …`.
pub(super) fn effect(
    keys: &mut Keys<'_>,
    spec: &'static Spec,
    key: &[u8],
    options: &[&[u8]],
    fields: &[&[u8]],
    width: usize,
) {
    let mut digits = [0; MAX_TEXT];
    let number = format_i64((fields.len() / width) as i64, &mut digits);
    let head: &[&[u8]] = &[key];
    keys.effect(spec, &[head, options, &[FIELDS.as_bytes(), number], fields].concat());
}

/// Names the effect of fields that were given a deadline; of none there is none.
pub(super) fn effect_deadline(keys: &mut Keys<'_>, key: &[u8], deadline_ms: u64, fields: &[&[u8]]) {
    if !fields.is_empty() {
        let mut digits = [0; MAX_TEXT];
        let at = format_i64(deadline_ms.cast_signed(), &mut digits);
        effect(keys, &hpexpireat::SPEC, key, &[at], fields, 1);
    }
}

/// Names the effect of fields that were removed; of none there is none.
pub(super) fn effect_removed(keys: &mut Keys<'_>, key: &[u8], fields: &[&[u8]]) {
    if !fields.is_empty() {
        let head: &[&[u8]] = &[key];
        keys.effect(&hdel::SPEC, &[head, fields].concat());
    }
}

/// An expiry whose number is read only once the key was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LateExpiry<'a> {
    /// The unit.
    pub unit: Unit,
    /// The number, as it was given.
    pub amount: &'a [u8],
}

impl<'a> LateExpiry<'a> {
    pub(super) fn of(option: ExpiryOption<'a>) -> Option<LateExpiry<'a>> {
        option.given().map(|(unit, amount)| LateExpiry { unit, amount })
    }

    pub(super) fn words(&self, words: &mut Words<'_>) {
        words.keyword(self.unit.option()).push(self.amount);
    }

    /// The deadline in Unix milliseconds.
    pub(super) fn deadline_ms(&self, now_ms: u64, command: &str) -> Result<u64, Error> {
        let amount = parse_i64_canonical(self.amount).ok_or(Error::NotInteger)?;
        deadline_ms(self.unit, amount, now_ms, command)
    }
}

fn deadline_ms(unit: Unit, amount: i64, now_ms: u64, command: &str) -> Result<u64, Error> {
    if amount < 0 {
        return Err(Error::invalid_expire(command));
    }
    ExpiryArg { unit, amount }.deadline_ms(now_ms, command)
}

/// The arguments of a command that sets the deadline of fields.
#[derive(Debug, Clone)]
pub struct FieldDeadline<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The time, in the command's unit.
    pub amount: i64,
    /// When it is set; holds for each field on its own.
    pub when: When,
    /// The fields.
    pub fields: &'a [&'a [u8]],
}

impl<'a> FieldDeadline<'a> {
    pub(super) fn parse(args: &mut Args<'a>) -> Result<Self, Error> {
        let (key, amount) = (args.word()?, args.word()?);
        let (when, fields) = after_options(args, 1, When::parse)?;
        let amount = parse_i64_canonical(amount).ok_or(Error::NotInteger)?;
        Ok(FieldDeadline { key, amount, when, fields })
    }

    pub(super) fn words(&self, words: &mut Words<'_>) {
        words.push(self.key).int(self.amount);
        self.when.words(words);
        write(self.fields, 1, words);
    }

    /// Sets the deadline of each field, or removes it where that has passed. The effect is absolute.
    pub(super) fn run(
        &self,
        unit: Unit,
        command: &str,
        ctx: &mut Ctx<'_, '_>,
        reply: &mut dyn Reply,
    ) -> Result<(), Error> {
        let deadline_ms = deadline_ms(unit, self.amount, ctx.keys.now_ms(), command)?;
        let mut gate = HashGate::open(ctx.keys, self.key)?;
        gate.remove_due(self.fields.iter().copied());
        let passed = deadline_ms <= gate.now_ms();
        let mut changed = Vec::new();
        reply.array(self.fields.len());
        for &field in self.fields {
            let held = gate.hash().and_then(|hash| hash.get(field));
            let Some(held) = held else {
                reply.int(-2);
                continue;
            };
            if !self.when.holds(held.deadline_ms, deadline_ms) {
                reply.int(0);
                continue;
            }
            changed.push(field);
            if passed {
                gate.remove(&[field], |_| ());
                reply.int(2);
            } else {
                gate.set_deadlines(&[field], Some(deadline_ms));
                reply.int(1);
            }
        }
        if passed {
            gate.count_expired(changed.len());
            effect_removed(ctx.keys, self.key, &changed);
        } else {
            effect_deadline(ctx.keys, self.key, deadline_ms, &changed);
        }
        Ok(())
    }
}

/// The arguments of a command that tells the deadlines of fields.
#[derive(Debug, Clone)]
pub struct FieldsOf<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The fields.
    pub fields: &'a [&'a [u8]],
}

impl<'a> FieldsOf<'a> {
    pub(super) fn parse(args: &mut Args<'a>, wrong: Error) -> Result<Self, Error> {
        Ok(FieldsOf { key: args.word()?, fields: numbered(args, wrong)? })
    }

    pub(super) fn words(&self, words: &mut Words<'_>) {
        words.push(self.key);
        write(self.fields, 1, words);
    }

    /// Answers the deadline of each field: -2 without the field, -1 without a deadline.
    pub(super) fn tell(
        &self,
        told: Told,
        ctx: &Ctx<'_, '_>,
        reply: &mut dyn Reply,
    ) -> Result<(), Error> {
        let hash: Option<HashRef<'_>> = hash::read(ctx.keys, self.key)?;
        reply.array(self.fields.len());
        for field in self.fields {
            match hash.and_then(|hash| hash.get(field)) {
                None => reply.int(-2),
                Some(held) => match held.deadline_ms {
                    None => reply.int(-1),
                    Some(deadline_ms) => reply.int(told.of(deadline_ms, ctx.keys.now_ms())),
                },
            }
        }
        Ok(())
    }
}
