//! Natural numbers of any size, with just the steps that reading and printing decimals take.
//!
//! Plain schoolbook arithmetic: a number of the longest legal text has some 500 digits of 32
//! bits. Knows nothing of [`super::LongDouble`].

use super::Text;
use std::cmp::Ordering;

/// A natural number: digits of 32 bits, the least first, none of them zero at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Big {
    digits: Vec<u32>,
}

/// The greatest power of five, and of ten, in 32 bits.
const FIVES: (u32, u32) = (5u32.pow(13), 13);
const TENS: (u32, usize) = (10u32.pow(9), 9);

impl From<u64> for Big {
    fn from(value: u64) -> Big {
        let mut big = Big { digits: vec![value as u32, (value >> 32) as u32] };
        big.trim();
        big
    }
}

impl Big {
    /// Multiplies by `factor`, then adds `term`.
    pub(super) fn multiply_add(&mut self, factor: u32, term: u32) {
        let mut carry = u64::from(term);
        for digit in &mut self.digits {
            let sum = u64::from(*digit) * u64::from(factor) + carry;
            *digit = sum as u32;
            carry = sum >> 32;
        }
        if carry > 0 {
            self.digits.push(carry as u32);
        }
    }

    /// Multiplies by `5^power`.
    pub(super) fn multiply_power_of_five(&mut self, power: u32) {
        let (great, step) = FIVES;
        for _ in 0..power / step {
            self.multiply_add(great, 0);
        }
        self.multiply_add(5u32.pow(power % step), 0);
    }

    /// Multiplies by `2^bits`.
    pub(super) fn shift_left(&mut self, bits: u32) {
        let (words, bits) = ((bits / 32) as usize, bits % 32);
        self.multiply_add(1 << bits, 0);
        self.digits.splice(0..0, std::iter::repeat_n(0, words));
        self.trim();
    }

    /// How many bits it has.
    pub(super) fn bits(&self) -> i32 {
        let Some(top) = self.digits.last() else { return 0 };
        self.digits.len() as i32 * 32 - top.leading_zeros().cast_signed()
    }

    /// Its first bits (at least 97, if it has so many), how many bits follow, and whether any of
    /// those is set.
    pub(super) fn top(&self) -> (u128, i32, bool) {
        let dropped = self.digits.len().saturating_sub(4);
        let (rest, top) = self.digits.split_at(dropped);
        let mantissa = top.iter().rev().fold(0, |sum: u128, &digit| sum << 32 | u128::from(digit));
        (mantissa, dropped as i32 * 32, rest.iter().any(|&digit| digit != 0))
    }

    /// The quotient, which must have at most `bits` bits, and whether a remainder is left.
    pub(super) fn divide(mut self, mut divisor: Big, bits: u32) -> (u128, bool) {
        divisor.shift_left(bits - 1);
        let mut quotient = 0;
        for _ in 0..bits {
            quotient <<= 1;
            if self.cmp(&divisor) != Ordering::Less {
                self.subtract(&divisor);
                quotient |= 1;
            }
            divisor.halve();
        }
        (quotient, !self.digits.is_empty())
    }

    /// Writes it in decimal; it is zero afterwards.
    pub(super) fn write_decimal(&mut self, text: &mut Text) {
        let (great, step) = TENS;
        let start = text.len();
        while !self.digits.is_empty() {
            let mut rest = self.divide_small(great);
            for _ in 0..step {
                text.push(b'0' + (rest % 10) as u8);
                rest /= 10;
            }
        }
        while text.len() > start && text.last() == Some(&b'0') {
            text.pop();
        }
        if text.len() == start {
            text.push(b'0');
        }
        text[start..].reverse();
    }

    fn cmp(&self, other: &Big) -> Ordering {
        let by_length = self.digits.len().cmp(&other.digits.len());
        by_length.then_with(|| self.digits.iter().rev().cmp(other.digits.iter().rev()))
    }

    /// Takes away what is not greater.
    fn subtract(&mut self, other: &Big) {
        let mut borrow = false;
        let others = other.digits.iter().copied().chain(std::iter::repeat(0));
        for (digit, other) in self.digits.iter_mut().zip(others) {
            let (first, under) = digit.overflowing_sub(other);
            let (second, again) = first.overflowing_sub(u32::from(borrow));
            *digit = second;
            borrow = under || again;
        }
        self.trim();
    }

    fn halve(&mut self) {
        let mut carry = 0;
        for digit in self.digits.iter_mut().rev() {
            let low = *digit & 1;
            *digit = *digit >> 1 | carry << 31;
            carry = low;
        }
        self.trim();
    }

    /// Divides in place; the remainder.
    fn divide_small(&mut self, divisor: u32) -> u32 {
        let mut rest = 0u64;
        for digit in self.digits.iter_mut().rev() {
            let value = rest << 32 | u64::from(*digit);
            *digit = (value / u64::from(divisor)) as u32;
            rest = value % u64::from(divisor);
        }
        self.trim();
        rest as u32
    }

    fn trim(&mut self) {
        while self.digits.last() == Some(&0) {
            self.digits.pop();
        }
    }
}
