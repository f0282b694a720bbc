//! Scores in as few bytes as they need.
//!
//! | form | bytes | score |
//! |---|---|---|
//! | 0 … 4 | 1, 2, 3, 4, 6 | an integer, signed little endian |
//! | 5 | 4 | a float that is exact |
//! | 6 | 8 | a float |
//!
//! Where only the bytes are kept, their number tells the form: there an integer of 4 bytes takes
//! 5. Every score comes back bit by bit. Knows neither elements nor members; next:
//! [`super::page`].

/// The form of any score.
pub(super) const FLOAT64: u16 = 6;

const INT32: u16 = 3;
const FLOAT32: u16 = 5;
const BYTES: [usize; 7] = [1, 2, 3, 4, 6, 4, 8];

/// A score in its form.
pub(super) struct Compact {
    form: u16,
    bytes: [u8; 8],
}

impl Compact {
    /// A score in its shortest form.
    #[inline]
    pub(super) fn of(score: f64) -> Compact {
        let integer = score as i64;
        if (integer as f64).to_bits() == score.to_bits()
            && let Some(form) = integer_form(integer)
        {
            return Compact { form, bytes: integer.to_le_bytes() };
        }
        let short = score as f32;
        if f64::from(short).to_bits() == score.to_bits() {
            let mut bytes = [0; 8];
            bytes[..4].copy_from_slice(&short.to_le_bytes());
            return Compact { form: FLOAT32, bytes };
        }
        Compact { form: FLOAT64, bytes: score.to_le_bytes() }
    }

    #[inline]
    pub(super) fn form(&self) -> u16 {
        self.form
    }

    /// The bytes, for who keeps the form.
    #[inline]
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..BYTES[usize::from(self.form)]]
    }

    /// The bytes, for who keeps nothing but them.
    #[inline]
    pub(super) fn as_value(&self) -> &[u8] {
        let len = if self.form == INT32 { 5 } else { BYTES[usize::from(self.form)] };
        &self.bytes[..len]
    }
}

/// The score at the beginning of some bytes, and how many it takes.
#[inline]
pub(super) fn read(form: u16, bytes: &[u8]) -> (f64, usize) {
    match form {
        0 => (integer::<1>(bytes), 1),
        1 => (integer::<2>(bytes), 2),
        2 => (integer::<3>(bytes), 3),
        INT32 => (integer::<4>(bytes), 4),
        4 => (integer::<6>(bytes), 6),
        FLOAT32 => (float32(bytes), 4),
        _ => (float64(bytes), 8),
    }
}

/// The score that [`Compact::as_value`] gave these bytes.
#[inline]
pub(super) fn of_value(bytes: &[u8]) -> f64 {
    match bytes.len() {
        1 => integer::<1>(bytes),
        2 => integer::<2>(bytes),
        3 => integer::<3>(bytes),
        4 => float32(bytes),
        5 => integer::<5>(bytes),
        6 => integer::<6>(bytes),
        _ => float64(bytes),
    }
}

#[inline]
fn integer_form(integer: i64) -> Option<u16> {
    const I24: i64 = 1 << 23;
    const I48: i64 = 1 << 47;
    if i8::try_from(integer).is_ok() {
        Some(0)
    } else if i16::try_from(integer).is_ok() {
        Some(1)
    } else if (-I24..I24).contains(&integer) {
        Some(2)
    } else if i32::try_from(integer).is_ok() {
        Some(INT32)
    } else if (-I48..I48).contains(&integer) {
        Some(4)
    } else {
        None
    }
}

/// The signed integer in `N` bytes.
#[inline(always)]
fn integer<const N: usize>(bytes: &[u8]) -> f64 {
    let mut wide = [0; 8];
    wide[8 - N..].copy_from_slice(&bytes[..N]);
    (i64::from_le_bytes(wide) >> (64 - 8 * N)) as f64
}

#[inline(always)]
fn float32(bytes: &[u8]) -> f64 {
    let mut short = [0; 4];
    short.copy_from_slice(&bytes[..4]);
    f64::from(f32::from_le_bytes(short))
}

#[inline(always)]
fn float64(bytes: &[u8]) -> f64 {
    let mut wide = [0; 8];
    wide.copy_from_slice(&bytes[..8]);
    f64::from_le_bytes(wide)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_score_comes_back_bit_by_bit() {
        let mut scores = vec![0.0, -0.0, 0.1, 1.5, f64::INFINITY, f64::NEG_INFINITY, 5e-324];
        for bit in 0..63 {
            for near in [-1, 0, 1] {
                let integer = (1i64 << bit).wrapping_add(near);
                scores.extend([integer as f64, -(integer as f64), 1.0 / integer as f64]);
            }
        }
        for score in scores.into_iter().filter(|score| !score.is_nan()) {
            let compact = Compact::of(score);
            let (read, len) = read(compact.form(), compact.as_bytes());
            assert_eq!((read.to_bits(), len), (score.to_bits(), compact.as_bytes().len()));
            assert_eq!(of_value(compact.as_value()).to_bits(), score.to_bits());
        }
    }
}
