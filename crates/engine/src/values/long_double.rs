//! Numbers in x87 extended precision, to the last bit and the last digit as Redis computes them.
//!
//! `INCRBYFLOAT` and its kin add in C's `long double` and print with 17 decimals. On the machines
//! that set the standard that is a sign, 15 bits of exponent and 64 bits of mantissa; no type of
//! Rust has it. [`LongDouble`] reads text, adds and prints in integer arithmetic, rounding to
//! nearest, ties to even, as the hardware and the C library do. Knows no key and no command.
//!
//! A value is `mantissa × 2^exponent`, the mantissa's top bit set unless the value is too small
//! for that (then the exponent is [`MIN_EXPONENT`]). Text beyond the reach of 128 bits goes
//! through [`big`].

mod big;

use big::Big;
use smallvec::SmallVec;
use std::cmp::Ordering;

/// Exponent of the smallest numbers.
const MIN_EXPONENT: i32 = -16445;

/// Exponent of the greatest finite numbers.
const MAX_EXPONENT: i32 = 16320;

/// Exponent that marks an infinity.
const INFINITE: i32 = MAX_EXPONENT + 1;

const TOP_BIT: u64 = 1 << 63;

/// Text of this length or longer is no number to Redis.
const MAX_TEXT: usize = 5 * 1024;

/// One in units of the last of the 17 decimals that are printed.
const ONE: u128 = 10u128.pow(17);

/// Powers of five below this one fit 63 bits.
const SMALL_POWERS: u32 = 28;

/// So many decimal digits fit 128 bits.
const SMALL_DIGITS: usize = 38;

/// A decimal exponent beyond which every number is infinite, or zero.
const FAR: i64 = 5200;

/// Text of a number; most are short.
pub type Text = SmallVec<[u8; 64]>;

/// A number in extended precision, or an infinity.
#[derive(Debug, Clone, Copy)]
pub struct LongDouble {
    negative: bool,
    exponent: i32,
    mantissa: u64,
}

impl LongDouble {
    /// Zero.
    pub const ZERO: LongDouble =
        LongDouble { negative: false, exponent: MIN_EXPONENT, mantissa: 0 };

    /// The greatest finite number.
    pub const MAX: LongDouble =
        LongDouble { negative: false, exponent: MAX_EXPONENT, mantissa: u64::MAX };

    const INFINITY: LongDouble =
        LongDouble { negative: false, exponent: INFINITE, mantissa: TOP_BIT };

    /// Reads a number as C's `strtold` does: decimal or hexadecimal, or an infinity by name.
    ///
    /// `None` where Redis refuses it: not a number as a whole, spaces, NaN, 5 KiB or more, or
    /// something that is not zero (or infinite) but rounds to that.
    pub fn parse(text: &[u8]) -> Option<LongDouble> {
        if text.len() >= MAX_TEXT {
            return None;
        }
        let (negative, text) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            rest => (false, rest),
        };
        let value = match text {
            [b'0', b'x' | b'X', rest @ ..] => Number::<16>::split(rest)?.into_binary(negative),
            [b'i' | b'I', ..] => {
                let mut names = ["inf", "infinity"].iter();
                let named = names.any(|name| text.eq_ignore_ascii_case(name.as_bytes()));
                return named.then_some(LongDouble { negative, ..LongDouble::INFINITY });
            }
            _ => Number::<10>::split(text)?.into_decimal(negative),
        };
        value.filter(|value| value.is_finite())
    }

    /// Whether it is not an infinity.
    pub fn is_finite(self) -> bool {
        self.exponent != INFINITE
    }

    /// The sum, rounded; `None` where it is not a number (infinities that cancel).
    pub fn plus(self, other: LongDouble) -> Option<LongDouble> {
        match (self.is_finite(), other.is_finite()) {
            (true, true) => Some(self.add_finite(other)),
            (false, false) if self.negative != other.negative => None,
            (false, _) => Some(self),
            (true, false) => Some(other),
        }
    }

    /// The difference, rounded; `None` where it is not a number.
    pub fn minus(self, other: LongDouble) -> Option<LongDouble> {
        self.plus(other.negated())
    }

    /// The number with the other sign.
    pub fn negated(self) -> LongDouble {
        LongDouble { negative: !self.negative, ..self }
    }

    /// The nearest double.
    pub fn to_f64(self) -> f64 {
        if !self.is_finite() {
            return if self.negative { f64::NEG_INFINITY } else { f64::INFINITY };
        }
        // 53 bits, fewer where a double has no more; the rest is exact.
        let shift = (-1074 - self.exponent).max(11);
        let mantissa = shift_right_rounded(self.mantissa.into(), shift.unsigned_abs(), false);
        let exponent = self.exponent + shift;
        // In two steps, for the power alone may leave the range that the product stays in.
        let (half, rest) = (exponent / 2, exponent - exponent / 2);
        let magnitude = mantissa as f64 * 2f64.powi(half) * 2f64.powi(rest);
        if self.negative { -magnitude } else { magnitude }
    }

    /// The text that Redis stores and answers: up to 17 decimals, no exponent, no zeros at the
    /// end, no negative zero.
    pub fn text(self) -> Text {
        let mut text = Text::new();
        if self.negative {
            text.push(b'-');
        }
        if !self.is_finite() {
            text.extend_from_slice(b"inf");
            return text;
        }
        let (whole, decimals) = self.split();
        match whole {
            Whole::Small(whole) => text.extend(format_u128(whole).as_slice().iter().copied()),
            Whole::Large(mut whole) => whole.write_decimal(&mut text),
        }
        if decimals != 0 {
            text.push(b'.');
            let digits = format_u128(ONE + u128::from(decimals));
            let kept = digits.iter().rposition(|&digit| digit != b'0').unwrap_or(0);
            text.extend_from_slice(&digits[1..=kept]);
        }
        if text.as_slice() == b"-0" {
            text.remove(0);
        }
        text
    }

    /// Text that reads back as exactly this number: hexadecimal.
    pub fn exact_text(self) -> String {
        let sign = if self.negative { "-" } else { "" };
        if !self.is_finite() {
            return format!("{sign}inf");
        }
        format!("{sign}0x{:x}p{}", self.mantissa, self.exponent)
    }

    /// The part before the point and 17 rounded digits after it.
    fn split(self) -> (Whole, u64) {
        let (mantissa, exponent) = (u128::from(self.mantissa), self.exponent);
        if exponent > 64 {
            let mut whole = Big::from(self.mantissa);
            whole.shift_left(exponent.unsigned_abs());
            return (Whole::Large(whole), 0);
        }
        if exponent >= 0 {
            return (Whole::Small(mantissa << exponent), 0);
        }
        let point = exponent.unsigned_abs();
        let (whole, fraction) = match point {
            0..64 => (mantissa >> point, mantissa & ((1 << point) - 1)),
            _ => (0, mantissa),
        };
        // Below 2^64 × 10^17 < 2^121.
        let decimals = shift_right_rounded(fraction * ONE, point, false);
        if decimals == ONE {
            (Whole::Small(whole + 1), 0)
        } else {
            (Whole::Small(whole), decimals as u64)
        }
    }

    /// The sum of finite numbers, rounded; an infinity where it is too great.
    pub fn add_finite(self, other: LongDouble) -> LongDouble {
        let (great, small) =
            if self.cmp_magnitude(other) == Ordering::Less { (other, self) } else { (self, other) };
        let distance = (great.exponent - small.exponent).unsigned_abs();
        let wide = u128::from(great.mantissa) << 63;
        let lower = u128::from(small.mantissa) << 63;
        let (shifted, lost) = match distance {
            0..128 => (lower >> distance, lower & ((1 << distance) - 1) != 0),
            _ => (0, lower != 0),
        };
        let exponent = great.exponent - 63;
        if great.negative == small.negative {
            return LongDouble::rounded(great.negative, wide + shifted, exponent, lost);
        }
        let difference = wide - shifted - u128::from(lost);
        // Numbers that cancel out give a positive zero.
        let negative = great.negative && (difference != 0 || lost);
        LongDouble::rounded(negative, difference, exponent, lost)
    }

    /// The number nearest to `mantissa × 2^exponent`, plus less than one unit if `more`.
    fn rounded(negative: bool, mantissa: u128, exponent: i32, more: bool) -> LongDouble {
        if mantissa == 0 && !more {
            return LongDouble { negative, ..LongDouble::ZERO };
        }
        let bits = 128 - mantissa.leading_zeros().cast_signed();
        let shift = (bits - 64).max(MIN_EXPONENT - exponent);
        if shift <= 0 {
            let mantissa = (mantissa << shift.unsigned_abs()) as u64;
            return LongDouble { negative, exponent: exponent + shift, mantissa }.in_range();
        }
        let mut mantissa = shift_right_rounded(mantissa, shift.unsigned_abs(), more);
        let mut exponent = exponent + shift;
        if mantissa > u128::from(u64::MAX) {
            mantissa >>= 1;
            exponent += 1;
        }
        LongDouble { negative, exponent, mantissa: mantissa as u64 }.in_range()
    }

    fn in_range(self) -> LongDouble {
        if self.exponent > MAX_EXPONENT {
            return LongDouble { negative: self.negative, ..LongDouble::INFINITY };
        }
        self
    }

    fn cmp_magnitude(self, other: LongDouble) -> Ordering {
        (self.exponent, self.mantissa).cmp(&(other.exponent, other.mantissa))
    }
}

impl PartialEq for LongDouble {
    fn eq(&self, other: &LongDouble) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for LongDouble {}

impl PartialOrd for LongDouble {
    fn partial_cmp(&self, other: &LongDouble) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for LongDouble {
    fn cmp(&self, other: &LongDouble) -> Ordering {
        match (self.negative, other.negative) {
            _ if self.mantissa == 0 && other.mantissa == 0 => Ordering::Equal,
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.cmp_magnitude(*other),
            (true, true) => other.cmp_magnitude(*self),
        }
    }
}

/// A number's part before the point.
enum Whole {
    Small(u128),
    Large(Big),
}

/// Digits of a base with a point, and an exponent: what the text of a number consists of.
struct Number<'t, const BASE: u32> {
    whole: &'t [u8],
    fraction: &'t [u8],
    exponent: i64,
}

impl<'t, const BASE: u32> Number<'t, BASE> {
    fn split(text: &'t [u8]) -> Option<Self> {
        let is_digit = |byte: &u8| char::from(*byte).is_digit(BASE);
        let digits = |text: &'t [u8]| {
            let end = text.iter().position(|byte| !is_digit(byte)).unwrap_or(text.len());
            text.split_at(end)
        };
        let (whole, rest) = digits(text);
        let (fraction, rest) = match rest {
            [b'.', rest @ ..] => digits(rest),
            rest => (&rest[..0], rest),
        };
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let exponent = match rest {
            [] => 0,
            [mark, rest @ ..]
                if mark.eq_ignore_ascii_case(if BASE == 16 { &b'p' } else { &b'e' }) =>
            {
                exponent(rest)?
            }
            _ => return None,
        };
        Some(Number { whole, fraction, exponent })
    }

    /// The digits from the first that is not zero on.
    fn digits(&self) -> impl Iterator<Item = u32> {
        let all = self.whole.iter().chain(self.fraction);
        all.filter_map(|&byte| char::from(byte).to_digit(BASE)).skip_while(|&digit| digit == 0)
    }
}

impl Number<'_, 16> {
    fn into_binary(self, negative: bool) -> Option<LongDouble> {
        let (mut mantissa, mut dropped, mut more) = (0u128, 0i64, false);
        for digit in self.digits() {
            if mantissa >> 120 == 0 {
                mantissa = mantissa << 4 | u128::from(digit);
            } else {
                dropped += 4;
                more |= digit != 0;
            }
        }
        if mantissa == 0 {
            return Some(LongDouble { negative, ..LongDouble::ZERO });
        }
        let exponent = self.exponent + dropped - 4 * self.fraction.len() as i64;
        let exponent = exponent.clamp(-100_000, 100_000) as i32;
        not_lost(LongDouble::rounded(negative, mantissa, exponent, more))
    }
}

impl Number<'_, 10> {
    fn into_decimal(self, negative: bool) -> Option<LongDouble> {
        let count = self.digits().count();
        if count == 0 {
            return Some(LongDouble { negative, ..LongDouble::ZERO });
        }
        let power = self.exponent - self.fraction.len() as i64;
        match power + count as i64 {
            FAR.. => return None,
            ..=-5200 => return None,
            _ => {}
        }
        let power = power as i32;
        if count <= SMALL_DIGITS && power.unsigned_abs() < SMALL_POWERS {
            let digits = self.digits().fold(0, |sum: u128, digit| sum * 10 + u128::from(digit));
            if let Some(value) = small_decimal(negative, digits, power) {
                return Some(value);
            }
        }
        let mut digits = Big::from(0);
        self.digits().for_each(|digit| digits.multiply_add(10, digit));
        not_lost(big_decimal(negative, digits, power))
    }
}

/// A number that was not zero must not become it.
fn not_lost(value: LongDouble) -> Option<LongDouble> {
    (value.mantissa != 0).then_some(value)
}

/// `digits × 10^power` for a power whose power of five fits 63 bits; `None` where the product is
/// too long.
fn small_decimal(negative: bool, digits: u128, power: i32) -> Option<LongDouble> {
    let five = 5u128.pow(power.unsigned_abs());
    if power >= 0 {
        return Some(LongDouble::rounded(negative, digits.checked_mul(five)?, power, false));
    }
    // 128 bits over at most 63 leave at least 65.
    let shift = digits.leading_zeros();
    let scaled = digits << shift;
    let (quotient, more) = (scaled / five, !scaled.is_multiple_of(five));
    Some(LongDouble::rounded(negative, quotient, power - shift.cast_signed(), more))
}

/// `digits × 10^power` for any.
fn big_decimal(negative: bool, mut digits: Big, power: i32) -> LongDouble {
    if power >= 0 {
        digits.multiply_power_of_five(power.unsigned_abs());
        let (mantissa, dropped, more) = digits.top();
        return LongDouble::rounded(negative, mantissa, power + dropped, more);
    }
    let mut divisor = Big::from(1);
    divisor.multiply_power_of_five(power.unsigned_abs());
    // So that the quotient has 66 or 67 bits.
    let shift = divisor.bits() + 66 - digits.bits();
    if shift >= 0 {
        digits.shift_left(shift.unsigned_abs());
    } else {
        divisor.shift_left(shift.unsigned_abs());
    }
    let (quotient, more) = digits.divide(divisor, 67);
    LongDouble::rounded(negative, quotient, power - shift, more)
}

/// A decimal exponent, kept within bounds that no text of a legal length leaves unnoticed.
fn exponent(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    if digits.is_empty() {
        return None;
    }
    let mut value = 0i64;
    for byte in digits {
        let digit = char::from(*byte).to_digit(10)?;
        value = (value * 10 + i64::from(digit)).min(1_000_000);
    }
    Some(if negative { -value } else { value })
}

/// `value / 2^shift` rounded to nearest, ties to even, where `more` says that the value is a
/// little greater.
fn shift_right_rounded(value: u128, shift: u32, more: bool) -> u128 {
    let (kept, lost) = match shift {
        0 => return value,
        1..128 => (value >> shift, value & ((1 << shift) - 1)),
        128 => (0, value),
        _ => return 0,
    };
    let half = 1u128 << (shift - 1);
    let up = lost > half || lost == half && (more || kept & 1 == 1);
    kept + u128::from(up)
}

fn format_u128(value: u128) -> SmallVec<[u8; 40]> {
    let mut digits = SmallVec::new();
    let mut rest = value;
    while rest > u128::from(u64::MAX) {
        digits.push(b'0' + (rest % 10) as u8);
        rest /= 10;
    }
    let mut rest = rest as u64;
    loop {
        digits.push(b'0' + (rest % 10) as u8);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    digits.reverse();
    digits
}

#[cfg(test)]
mod tests;
