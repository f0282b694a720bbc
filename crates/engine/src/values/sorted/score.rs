//! Scores: how they are read, compared and written.
//!
//! A score is a 64-bit float that is never NaN. The two zeros are equal, and yet each is answered
//! as it was given. Knows no sorted set; next: [`super::page`].

use larder_codec::integer::format_i64;
use std::cmp::Ordering;

/// Integers up to this magnitude stand in a listpack as integers, as in Redis.
const MAX_PLAIN_INTEGER: f64 = (i64::MAX / 2) as f64;

/// Digits that always make an exact float.
const EXACT_DIGITS: usize = 15;

/// An element's place in the order: by score, and by the member's bytes where scores are equal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Key<'a> {
    /// The score.
    pub score: f64,
    /// The member.
    pub member: &'a [u8],
}

impl<'a> Key<'a> {
    /// This element.
    pub fn new(score: f64, member: &'a [u8]) -> Self {
        Key { score, member }
    }

    /// Which of two stands first.
    #[inline]
    pub fn order(&self, other: &Key<'_>) -> Ordering {
        if self.score < other.score {
            Ordering::Less
        } else if self.score > other.score {
            Ordering::Greater
        } else {
            self.member.cmp(other.member)
        }
    }

    /// Whether it stands before another.
    #[inline]
    pub fn is_before(&self, other: &Key<'_>) -> bool {
        self.order(other) == Ordering::Less
    }
}

/// A score as commands take it: what C's `strtod` reads whole, no space before it, no NaN, nothing
/// that is too great or too small for a float.
#[inline]
pub fn parse(word: &[u8]) -> Option<f64> {
    match small_integer(word) {
        Some(value) => Some(value),
        None => parse_other(word),
    }
}

/// An end of a range of scores: as [`parse`], but spaces before it are skipped, nothing is 0, and
/// what is too great is infinite.
pub fn parse_end(word: &[u8]) -> Option<f64> {
    if word.is_empty() {
        return Some(0.0);
    }
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let spaces = word.iter().take_while(|byte| is_space(byte)).count();
    match read(&word[spaces..])? {
        Read::Exact(value) => Some(value),
        Read::OutOfRange(value) => Some(value),
    }
}

/// The score that a listpack's text stands for; 0 for what is none.
pub(super) fn of_text(text: &[u8]) -> f64 {
    match read(text) {
        Some(Read::Exact(value) | Read::OutOfRange(value)) => value,
        None => 0.0,
    }
}

/// The integer as which a listpack holds a score.
#[inline]
pub(super) fn as_integer(score: f64) -> Option<i64> {
    let integer = score as i64;
    (score.abs() <= MAX_PLAIN_INTEGER && integer as f64 == score).then_some(integer)
}

/// Writes a score with 17 significant digits, as C's `%.17g` does.
pub fn push_precise(score: f64, out: &mut Vec<u8>) {
    if score.is_infinite() {
        out.extend_from_slice(if score < 0.0 { b"-inf" } else { b"inf" });
        return;
    }
    // One digit, a point, 16 digits.
    let text = format!("{score:.16e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa),
    };
    let digits: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).collect();
    let significant = digits.iter().rposition(|&digit| digit != b'0').map_or(1, |last| last + 1);
    out.extend_from_slice(sign.as_bytes());
    if !(-4..17).contains(&exponent) {
        push_pointed(&digits[..significant], 1, out);
        out.extend_from_slice(if exponent < 0 { b"e-" } else { b"e+" });
        out.extend_from_slice(format!("{:02}", exponent.unsigned_abs()).as_bytes());
    } else if exponent < 0 {
        out.extend_from_slice(b"0.");
        out.resize(out.len() + exponent.unsigned_abs() as usize - 1, b'0');
        out.extend_from_slice(&digits[..significant]);
    } else {
        let whole = exponent as usize + 1;
        push_pointed(&digits[..significant.max(whole)], whole, out);
    }
}

/// Writes digits with a point after the first `whole`, if any follow.
fn push_pointed(digits: &[u8], whole: usize, out: &mut Vec<u8>) {
    let (whole, fraction) = digits.split_at(whole);
    out.extend_from_slice(whole);
    if !fraction.is_empty() {
        out.push(b'.');
        out.extend_from_slice(fraction);
    }
}

/// The text of a score in a listpack.
pub(super) fn with_text<R>(score: f64, then: impl FnOnce(&[u8]) -> R) -> R {
    match as_integer(score) {
        Some(integer) => then(format_i64(integer, &mut [0; larder_codec::integer::MAX_TEXT])),
        None => then(larder_resp::format_double(score).as_bytes()),
    }
}

/// A few digits with or without a sign.
#[inline]
fn small_integer(word: &[u8]) -> Option<f64> {
    let (negative, digits) = match word {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || digits.len() > EXACT_DIGITS {
        return None;
    }
    let mut value = 0u64;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + u64::from(digit);
    }
    let value = value as f64;
    Some(if negative { -value } else { value })
}

fn parse_other(word: &[u8]) -> Option<f64> {
    match read(word)? {
        Read::Exact(value) => Some(value),
        Read::OutOfRange(_) => None,
    }
}

/// What a text says.
enum Read {
    Exact(f64),
    /// Infinite or zero, for want of a float that is so great or so small.
    OutOfRange(f64),
}

/// Reads a number that takes the whole text.
fn read(text: &[u8]) -> Option<Read> {
    let (negative, body) = match text {
        [b'-', body @ ..] => (true, body),
        [b'+', body @ ..] => (false, body),
        body => (false, body),
    };
    let signed = |value: f64| if negative { -value } else { value };
    match body {
        [b'0'..=b'9' | b'.', ..] => {}
        _ if body.eq_ignore_ascii_case(b"inf") || body.eq_ignore_ascii_case(b"infinity") => {
            return Some(Read::Exact(signed(f64::INFINITY)));
        }
        _ => return None,
    }
    let (value, is_zero) = match body {
        [b'0', b'x' | b'X', hex @ ..] => read_hex(hex)?,
        _ => {
            let value: f64 = std::str::from_utf8(body).ok()?.parse().ok()?;
            let mut mantissa = body.iter().take_while(|byte| !matches!(byte, b'e' | b'E'));
            (value, !mantissa.any(|byte| matches!(byte, b'1'..=b'9')))
        }
    };
    let lost = value.is_infinite() || value == 0.0 && !is_zero;
    Some(if lost { Read::OutOfRange(signed(value)) } else { Read::Exact(signed(value)) })
}

/// Hexadecimal digits, perhaps with a point and an exponent of two; and whether all are zero.
fn read_hex(text: &[u8]) -> Option<(f64, bool)> {
    let mut mantissa = 0u64;
    let (mut exponent, mut digits, mut point, mut at) = (0i64, 0, false, 0);
    while let Some(&byte) = text.get(at) {
        match char::from(byte).to_digit(16) {
            Some(digit) => {
                digits += 1;
                if mantissa >> 59 == 0 {
                    mantissa = mantissa << 4 | u64::from(digit);
                    exponent -= if point { 4 } else { 0 };
                } else {
                    // Beyond what a float holds: only whether anything is there counts.
                    mantissa |= u64::from(digit != 0);
                    exponent += if point { 0 } else { 4 };
                }
            }
            None if byte == b'.' && !point => point = true,
            None => break,
        }
        at += 1;
    }
    if digits == 0 {
        return None;
    }
    match &text[at..] {
        [] => {}
        [b'p' | b'P', power @ ..] => exponent = exponent.saturating_add(read_power(power)?),
        _ => return None,
    }
    Some((scaled(mantissa, exponent), mantissa == 0))
}

fn read_power(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let power = digits.iter().fold(0i64, |power, digit| {
        power.saturating_mul(10).saturating_add(i64::from(digit - b'0')).min(1 << 40)
    });
    Some(if negative { -power } else { power })
}

/// `mantissa` × 2^`exponent`, rounded once.
fn scaled(mantissa: u64, exponent: i64) -> f64 {
    const SMALLEST: i64 = -1074;
    if mantissa == 0 {
        return 0.0;
    }
    let top = exponent + 63 - i64::from(mantissa.leading_zeros());
    if top > 1023 {
        return f64::INFINITY;
    }
    // The lowest bit that the float keeps.
    let lowest = (top - 52).max(SMALLEST);
    let cut = lowest - exponent;
    if cut <= 0 {
        // All bits are kept.
        return mantissa as f64 * power_of_two(exponent);
    }
    if cut > 64 {
        return 0.0;
    }
    let wide = u128::from(mantissa);
    let (kept, rest, half) = (wide >> cut, wide & ((1 << cut) - 1), 1u128 << (cut - 1));
    let up = rest > half || rest == half && kept & 1 == 1;
    (kept + u128::from(up)) as f64 * power_of_two(lowest)
}

/// A power of two between the smallest float and 2^1023.
fn power_of_two(exponent: i64) -> f64 {
    if exponent >= -1022 {
        f64::from_bits(((exponent + 1023) as u64) << 52)
    } else {
        f64::from_bits(1 << (exponent + 1074).max(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_read_as_strtod_reads_them() {
        let cases: &[(&str, Option<f64>)] = &[
            ("0", Some(0.0)),
            ("12", Some(12.0)),
            ("-7", Some(-7.0)),
            ("+7", Some(7.0)),
            ("123456789012345678", Some(123_456_789_012_345_678.0)),
            ("1.", Some(1.0)),
            (".5", Some(0.5)),
            ("1e5", Some(1e5)),
            ("-1.5E-3", Some(-1.5e-3)),
            ("0e999", Some(0.0)),
            ("inf", Some(f64::INFINITY)),
            ("+INF", Some(f64::INFINITY)),
            ("-Infinity", Some(f64::NEG_INFINITY)),
            ("0x10", Some(16.0)),
            ("0X1p3", Some(8.0)),
            ("-0x.8p1", Some(-1.0)),
            ("0x1.fffffffffffff8p0", Some(2.0)),
            ("0x1.fffffffffffff7ffp0", Some(1.999_999_999_999_999_8)),
            ("0x1p-1074", Some(5e-324)),
            ("0x1.8p-1074", Some(1e-323)),
            ("0x123456789abcdef01", Some(20_988_295_479_420_645_121.0)),
            ("1e-320", Some(1e-320)),
            ("0x1p1024", None),
            ("0x1p-1076", None),
            ("1e400", None),
            ("-1e400", None),
            ("1e-400", None),
            ("nan", None),
            ("-nan", None),
            ("", None),
            ("+", None),
            (".", None),
            ("e5", None),
            ("1e", None),
            (" 1", None),
            ("1 ", None),
            ("0x", None),
            ("0x1p", None),
            ("0x.p1", None),
            ("1\0", None),
            ("--1", None),
            ("+-1", None),
            ("infin", None),
        ];
        for (text, value) in cases {
            assert_eq!(parse(text.as_bytes()), *value, "{text}");
        }
        assert!(parse(b"-0").is_some_and(|zero| zero == 0.0 && zero.is_sign_negative()));
    }

    #[test]
    fn ends_are_read_more_kindly() {
        let cases: &[(&str, Option<f64>)] = &[
            ("", Some(0.0)),
            (" 1", Some(1.0)),
            ("\t\n1", Some(1.0)),
            (" ", None),
            ("1 ", None),
            ("1e400", Some(f64::INFINITY)),
            ("-1e400", Some(f64::NEG_INFINITY)),
            ("1e-400", Some(0.0)),
            ("nan", None),
        ];
        for (text, value) in cases {
            assert_eq!(parse_end(text.as_bytes()), *value, "{text:?}");
        }
    }

    #[test]
    fn precise_texts() {
        let cases = [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (-17.25, "-17.25"),
            (0.1, "0.10000000000000001"),
            (1e-4, "0.0001"),
            (1e-5, "1.0000000000000001e-05"),
            (1e-7, "9.9999999999999995e-08"),
            (1e16, "10000000000000000"),
            (1e17, "1e+17"),
            (5e18, "5e+18"),
            (1e22, "1e+22"),
            (1234.5678, "1234.5678"),
            (123_456_789_012_345.67, "123456789012345.67"),
            (f64::MAX, "1.7976931348623157e+308"),
            (5e-324, "4.9406564584124654e-324"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
        ];
        for (score, expected) in cases {
            let mut text = Vec::new();
            push_precise(score, &mut text);
            assert_eq!(String::from_utf8(text).unwrap(), expected);
        }
    }

    #[test]
    fn a_listpack_holds_whole_numbers_as_integers() {
        let cases = [
            (0.0, "0"),
            (-0.0, "0"),
            (-3.0, "-3"),
            (4e18, "4000000000000000000"),
            (5e18, "5e+18"),
            (1.5, "1.5"),
            (1e-7, "1e-7"),
            (f64::INFINITY, "inf"),
        ];
        for (score, expected) in cases {
            with_text(score, |text| {
                assert_eq!(text, expected.as_bytes());
                assert_eq!(of_text(text), score);
            });
        }
    }
}
