//! The text of floating-point numbers as Redis 7.2 prints scores and RESP3 doubles: digits that
//! read back as the same number, nearly always the fewest (`grisu`). Not the text of
//! `INCRBYFLOAT`, which has a wider type behind it. Knows no framing; see
//! [`encode::double`](crate::encode::double).

use crate::grisu::Digits;
use std::fmt::Write;
use std::ops::Deref;

/// Longest text: a sign, 18 digits or 17 with a point, up to seven zeros or an exponent.
const MAX_TEXT_BYTES: usize = 40;

/// Below this magnitude whole numbers are printed as integers: half of `i64`'s range.
const MAX_PLAIN_INTEGER: f64 = (i64::MAX / 2) as f64;

/// Whole numbers beyond [`MAX_PLAIN_INTEGER`] with no more zeros than this behind their shortest
/// digits are printed without an exponent.
const MAX_TRAILING_ZEROS: i32 = 7;

/// The text of one number, on the stack.
#[derive(Clone, Copy)]
pub struct DoubleText {
    bytes: [u8; MAX_TEXT_BYTES],
    len: usize,
}

impl DoubleText {
    fn new() -> Self {
        DoubleText { bytes: [0; MAX_TEXT_BYTES], len: 0 }
    }

    fn push(&mut self, text: &[u8]) {
        self.bytes[self.len..self.len + text.len()].copy_from_slice(text);
        self.len += text.len();
    }

    fn push_zeros(&mut self, count: usize) {
        self.bytes[self.len..self.len + count].fill(b'0');
        self.len += count;
    }

    /// The text as bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        // Only ASCII is ever pushed.
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

impl Deref for DoubleText {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl std::fmt::Debug for DoubleText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self)
    }
}

impl std::fmt::Display for DoubleText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self)
    }
}

impl Write for DoubleText {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        if text.len() > MAX_TEXT_BYTES - self.len {
            return Err(std::fmt::Error);
        }
        self.push(text.as_bytes());
        Ok(())
    }
}

/// Prints a number as Redis 7.2 does.
///
/// ```
/// use larder_resp::format_double;
/// assert_eq!(&*format_double(3.0), "3");
/// assert_eq!(&*format_double(0.1), "0.1");
/// assert_eq!(&*format_double(1e100), "1e+100");
/// assert_eq!(&*format_double(f64::NEG_INFINITY), "-inf");
/// ```
pub fn format_double(value: f64) -> DoubleText {
    let Some(whole) = as_plain_integer(value) else { return format_shortest(value) };
    let mut text = DoubleText::new();
    text.push(itoa::Buffer::new().format(whole).as_bytes());
    text
}

/// The integer as which a number is printed, if it is.
#[inline]
pub(crate) fn as_plain_integer(value: f64) -> Option<i64> {
    let whole = value as i64;
    // Zero may have a sign.
    (whole != 0 && whole as f64 == value && value.abs() <= MAX_PLAIN_INTEGER).then_some(whole)
}

/// The same without a form of their own for whole numbers, as Redis has it in digests.
///
/// ```
/// use larder_resp::double::format_shortest;
/// assert_eq!(&*format_shortest(1e17), "1e+17");
/// assert_eq!(&*format_shortest(100.0), "100");
/// ```
pub fn format_shortest(value: f64) -> DoubleText {
    let mut text = DoubleText::new();
    if value.is_nan() {
        text.push(b"nan");
    } else if value.is_infinite() {
        text.push(if value < 0.0 { b"-inf" } else { b"inf" });
    } else if value == 0.0 {
        text.push(if value.is_sign_negative() { b"-0" } else { b"0" });
    } else {
        push_shortest(&mut text, value);
    }
    text
}

/// Prints a finite number that is no small integer. The choice of form is Redis's: plain digits
/// with few trailing zeros, a point where few leading zeros are needed, else an exponent.
fn push_shortest(text: &mut DoubleText, value: f64) {
    if value < 0.0 {
        text.push(b"-");
    }
    let decimal = Digits::of(value.abs());
    let digits = decimal.as_bytes();
    // Of the first digit.
    let magnitude = decimal.exponent + digits.len() as i32 - 1;
    if decimal.exponent >= 0 && magnitude < digits.len() as i32 + MAX_TRAILING_ZEROS {
        text.push(digits);
        text.push_zeros(decimal.exponent as usize);
    } else if decimal.exponent < 0 && (decimal.exponent > -7 || magnitude.abs() < 4) {
        push_fraction(text, digits, decimal.exponent.unsigned_abs() as usize);
    } else {
        push_scientific(text, digits, magnitude);
    }
}

fn push_fraction(text: &mut DoubleText, digits: &[u8], decimals: usize) {
    if decimals >= digits.len() {
        text.push(b"0.");
        text.push_zeros(decimals - digits.len());
        text.push(digits);
    } else {
        let (whole, fraction) = digits.split_at(digits.len() - decimals);
        text.push(whole);
        text.push(b".");
        text.push(fraction);
    }
}

fn push_scientific(text: &mut DoubleText, digits: &[u8], magnitude: i32) {
    let (first, rest) = digits.split_at(1);
    text.push(first);
    if !rest.is_empty() {
        text.push(b".");
        text.push(rest);
    }
    text.push(if magnitude < 0 { b"e-" } else { b"e+" });
    text.push(itoa::Buffer::new().format(magnitude.unsigned_abs()).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_texts() {
        let known: &[(f64, &str)] = &[
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (-17.0, "-17"),
            (3.1, "3.1"),
            (0.1, "0.1"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1.5, "1.5"),
            (-1.5, "-1.5"),
            (1e15, "1000000000000000"),
            (1e18, "1000000000000000000"),
            (4e18, "4000000000000000000"),
            (5e18, "5e+18"),
            (1e19, "1e+19"),
            (1e100, "1e+100"),
            (1e-5, "0.00001"),
            (1e-6, "0.000001"),
            (1e-7, "1e-7"),
            (1.5e-10, "1.5e-10"),
            (0.00123456789, "0.00123456789"),
            (12345678901234567890.0, "12345678901234567000"),
            (-12345678901234567890.0, "-12345678901234567000"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
            (5e-324, "5e-324"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "nan"),
            (-f64::NAN, "nan"),
            (1.7e19, "1.7e+19"),
            (1234.12345678, "1234.12345678"),
            (12345.123456, "12345.123456"),
            (12345.12345678, "1.234512345678e+4"),
            (-12345.12345678, "-1.234512345678e+4"),
            (std::f64::consts::PI, "3.141592653589793"),
        ];
        for (value, text) in known {
            assert_eq!(&*format_double(*value), *text);
        }
    }

    proptest! {
        #[test]
        fn reads_back(bits in any::<u64>()) {
            let value = f64::from_bits(bits);
            prop_assume!(!value.is_nan());
            let text = format_double(value);
            prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), bits, "{}", text);
        }
    }
}
