//! Integers of 1 to 64 bits at any offset of a string, as `BITFIELD` reads and writes them.

use std::fmt;

/// Width and sign of an integer: `u8`, `i16`; unsigned ones up to 63 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoding {
    signed: bool,
    bits: u8,
}

/// What becomes of a value that its encoding cannot hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overflow {
    /// Its lowest bits stay.
    #[default]
    Wrap,
    /// The nearest value that fits.
    Saturate,
    /// It is not written.
    Fail,
}

impl Encoding {
    /// Reads `u8`, `i16`, ….
    pub fn parse(word: &[u8]) -> Option<Encoding> {
        let (signed, digits) = match word {
            [b'i', digits @ ..] => (true, digits),
            [b'u', digits @ ..] => (false, digits),
            _ => return None,
        };
        let bits = larder_codec::integer::parse_i64_canonical(digits)?;
        let most = if signed { 64 } else { 63 };
        (1..=most).contains(&bits).then_some(Encoding { signed, bits: bits as u8 })
    }

    /// Its width.
    pub fn bits(self) -> u64 {
        u64::from(self.bits)
    }

    /// The integer at an offset; what lies behind the bytes is zeros.
    pub fn get(self, bytes: &[u8], offset: u64) -> i64 {
        let word = window(bytes, offset) << (offset % 8) >> (128 - u32::from(self.bits));
        self.wrapped(word.cast_signed())
    }

    /// Writes an integer at an offset within the bytes.
    ///
    /// # Panics
    /// When the bytes end before it does.
    pub fn set(self, bytes: &mut [u8], offset: u64, value: i64) {
        let first = (offset / 8) as usize;
        let last = ((offset + self.bits() - 1) / 8) as usize;
        let free = 128 - u32::from(self.bits);
        let shift = free - (offset % 8) as u32;
        let mask = (u128::MAX << free >> free) << shift;
        let value = i128::from(value).cast_unsigned() << shift & mask;
        let word = window(bytes, offset) & !mask | value;
        bytes[first..=last].copy_from_slice(&word.to_be_bytes()[..=last - first]);
    }

    /// What is written for a value: itself if it fits, else what `overflow` says; none where
    /// nothing is written.
    pub fn fit(self, value: i128, overflow: Overflow) -> Option<i64> {
        let (min, max) = self.bounds();
        match overflow {
            _ if (min..=max).contains(&value) => Some(value as i64),
            Overflow::Wrap => Some(self.wrapped(value)),
            Overflow::Saturate => Some(value.clamp(min, max) as i64),
            Overflow::Fail => None,
        }
    }

    /// A value as it is given on the wire: unsigned encodings take its bits. One whose distance to
    /// the greatest that fits is beyond 64 bits counts as too great, though it is negative: so it
    /// does in Redis, where it shows in what [`Overflow::Saturate`] makes of it.
    pub fn given(self, value: i64) -> i128 {
        let (_, max) = self.bounds();
        let is_far = self.bits < 64 && max - i128::from(value) > i128::from(i64::MAX);
        if !self.signed || is_far { i128::from(value.cast_unsigned()) } else { i128::from(value) }
    }

    fn bounds(self) -> (i128, i128) {
        if self.signed {
            let half = 1i128 << (self.bits - 1);
            (-half, half - 1)
        } else {
            (0, (1 << self.bits) - 1)
        }
    }

    /// The value of the lowest bits.
    fn wrapped(self, value: i128) -> i64 {
        let free = 128 - u32::from(self.bits);
        let high = value << free;
        let low = if self.signed { high >> free } else { (high.cast_unsigned() >> free) as i128 };
        low as i64
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.signed { 'i' } else { 'u' }, self.bits)
    }
}

/// Sixteen bytes from the one that holds an offset, the first the highest.
fn window(bytes: &[u8], offset: u64) -> u128 {
    let mut window = [0; 16];
    let first = usize::try_from(offset / 8).unwrap_or(usize::MAX).min(bytes.len());
    let there = &bytes[first..bytes.len().min(first.saturating_add(window.len()))];
    window[..there.len()].copy_from_slice(there);
    u128::from_be_bytes(window)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::bits;

    fn all() -> impl Iterator<Item = Encoding> {
        let signed = (1..=64).map(|bits| Encoding { signed: true, bits });
        signed.chain((1..=63).map(|bits| Encoding { signed: false, bits }))
    }

    #[test]
    fn integers_are_their_bits_in_order() {
        let mut rng = fastrand::Rng::with_seed(3);
        for encoding in all() {
            for _ in 0..50 {
                let mut bytes: Vec<u8> = (0..20).map(|_| rng.u8(..)).collect();
                let before = bytes.clone();
                let offset = rng.u64(..=160 - encoding.bits());
                let value = encoding.wrapped(i128::from(rng.i64(..)));
                encoding.set(&mut bytes, offset, value);
                assert_eq!(encoding.get(&bytes, offset), value, "{encoding} at {offset}");
                for at in 0..160u64 {
                    let bit = match at.checked_sub(offset) {
                        Some(nth) if nth < encoding.bits() => {
                            value >> (encoding.bits() - 1 - nth) & 1 == 1
                        }
                        _ => bits::get(&before, at),
                    };
                    assert_eq!(bits::get(&bytes, at), bit, "{encoding} at {offset}, bit {at}");
                }
            }
        }
    }

    #[test]
    fn behind_the_end_are_zeros() {
        let i64 = Encoding::parse(b"i64").unwrap();
        assert_eq!(i64.get(b"", u64::MAX >> 1), 0);
        assert_eq!(i64.get(b"\xff", 0), i64::MIN >> 7);
        assert_eq!(Encoding::parse(b"u8").unwrap().get(b"\xff", 4), 0xf0);
    }

    #[test]
    fn values_wrap_saturate_or_fail_at_their_bounds() {
        let fit = |name: &[u8], value: i128| {
            let encoding = Encoding::parse(name).unwrap();
            [Overflow::Wrap, Overflow::Saturate, Overflow::Fail].map(|how| encoding.fit(value, how))
        };
        assert_eq!(fit(b"u8", 256), [Some(0), Some(255), None]);
        assert_eq!(fit(b"u8", -1), [Some(255), Some(0), None]);
        assert_eq!(fit(b"i8", 128), [Some(-128), Some(127), None]);
        assert_eq!(fit(b"i8", -129), [Some(127), Some(-128), None]);
        let beyond = i128::from(i64::MAX) + 1;
        assert_eq!(fit(b"i64", beyond), [Some(i64::MIN), Some(i64::MAX), None]);
        assert_eq!(fit(b"u63", i128::from(i64::MAX)), [Some(i64::MAX); 3]);
    }

    #[test]
    fn names_have_a_sign_and_a_width() {
        for name in ["u64", "i65", "u0", "i", "8", "I8", "u08", "u-1", ""] {
            assert_eq!(Encoding::parse(name.as_bytes()), None, "{name}");
        }
        for encoding in all() {
            assert_eq!(Encoding::parse(encoding.to_string().as_bytes()), Some(encoding));
        }
    }
}
