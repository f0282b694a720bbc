//! Grisu2: digits of a floating-point number that read back as the same number, nearly always the
//! fewest.
//!
//! Florian Loitsch, *Printing Floating-Point Numbers Quickly and Accurately with Integers* (2010).
//! Redis prints scores with it, so that in one number of some hundreds its digits are not the
//! fewest there are; whoever compares replies byte by byte wants the same. Knows no form of numbers,
//! only digits and a power of ten; see [`super::double`].

/// Powers of ten, each 10⁸ times the one before, the first 10⁻³⁴⁸: 64 bits and a power of two.
#[rustfmt::skip]
const POWERS: [(u64, i32); 87] = [
    (0xfa8fd5a0081c0288, -1220), (0xbaaee17fa23ebf76, -1193), (0x8b16fb203055ac76, -1166),
    (0xcf42894a5dce35ea, -1140), (0x9a6bb0aa55653b2d, -1113), (0xe61acf033d1a45df, -1087),
    (0xab70fe17c79ac6ca, -1060), (0xff77b1fcbebcdc4f, -1034), (0xbe5691ef416bd60c, -1007),
    (0x8dd01fad907ffc3c, -980), (0xd3515c2831559a83, -954), (0x9d71ac8fada6c9b5, -927),
    (0xea9c227723ee8bcb, -901), (0xaecc49914078536d, -874), (0x823c12795db6ce57, -847),
    (0xc21094364dfb5637, -821), (0x9096ea6f3848984f, -794), (0xd77485cb25823ac7, -768),
    (0xa086cfcd97bf97f4, -741), (0xef340a98172aace5, -715), (0xb23867fb2a35b28e, -688),
    (0x84c8d4dfd2c63f3b, -661), (0xc5dd44271ad3cdba, -635), (0x936b9fcebb25c996, -608),
    (0xdbac6c247d62a584, -582), (0xa3ab66580d5fdaf6, -555), (0xf3e2f893dec3f126, -529),
    (0xb5b5ada8aaff80b8, -502), (0x87625f056c7c4a8b, -475), (0xc9bcff6034c13053, -449),
    (0x964e858c91ba2655, -422), (0xdff9772470297ebd, -396), (0xa6dfbd9fb8e5b88f, -369),
    (0xf8a95fcf88747d94, -343), (0xb94470938fa89bcf, -316), (0x8a08f0f8bf0f156b, -289),
    (0xcdb02555653131b6, -263), (0x993fe2c6d07b7fac, -236), (0xe45c10c42a2b3b06, -210),
    (0xaa242499697392d3, -183), (0xfd87b5f28300ca0e, -157), (0xbce5086492111aeb, -130),
    (0x8cbccc096f5088cc, -103), (0xd1b71758e219652c, -77), (0x9c40000000000000, -50),
    (0xe8d4a51000000000, -24), (0xad78ebc5ac620000, 3), (0x813f3978f8940984, 30),
    (0xc097ce7bc90715b3, 56), (0x8f7e32ce7bea5c70, 83), (0xd5d238a4abe98068, 109),
    (0x9f4f2726179a2245, 136), (0xed63a231d4c4fb27, 162), (0xb0de65388cc8ada8, 189),
    (0x83c7088e1aab65db, 216), (0xc45d1df942711d9a, 242), (0x924d692ca61be758, 269),
    (0xda01ee641a708dea, 295), (0xa26da3999aef774a, 322), (0xf209787bb47d6b85, 348),
    (0xb454e4a179dd1877, 375), (0x865b86925b9bc5c2, 402), (0xc83553c5c8965d3d, 428),
    (0x952ab45cfa97a0b3, 455), (0xde469fbd99a05fe3, 481), (0xa59bc234db398c25, 508),
    (0xf6c69a72a3989f5c, 534), (0xb7dcbf5354e9bece, 561), (0x88fcf317f22241e2, 588),
    (0xcc20ce9bd35c78a5, 614), (0x98165af37b2153df, 641), (0xe2a0b5dc971f303a, 667),
    (0xa8d9d1535ce3b396, 694), (0xfb9b7cd9a4a7443c, 720), (0xbb764c4ca7a44410, 747),
    (0x8bab8eefb6409c1a, 774), (0xd01fef10a657842c, 800), (0x9b10a4e5e9913129, 827),
    (0xe7109bfba19c0c9d, 853), (0xac2820d9623bf429, 880), (0x80444b5e7aa7cf85, 907),
    (0xbf21e44003acdd2d, 933), (0x8e679c2f5e44ff8f, 960), (0xd433179d9c8cb841, 986),
    (0x9e19db92b4e31ba9, 1013), (0xeb96bf6ebadf77d9, 1039), (0xaf87023b9bf0ee6b, 1066),
];
const FIRST_POWER: i32 = -348;
const POWER_STEP: i32 = 8;
/// Between these lies the binary exponent of what is cut into digits: the whole part fits 32 bits.
const EXPONENTS: std::ops::RangeInclusive<i32> = -60..=-32;

/// Bits of a double's fraction, and the bit that it does not show.
const FRACTION_BITS: u32 = 52;
const HIDDEN_BIT: u64 = 1 << FRACTION_BITS;
/// What is taken off a double's exponent when its fraction is read as an integer.
const BIAS: i32 = 1023 + FRACTION_BITS as i32;
const MAX_DIGITS: usize = 20;

/// A number as an integer and a power of two.
#[derive(Clone, Copy)]
struct Float {
    bits: u64,
    exponent: i32,
}

/// Digits and the power of ten of the last one.
pub(crate) struct Digits {
    digits: [u8; MAX_DIGITS],
    len: usize,
    pub(crate) exponent: i32,
}

impl Digits {
    /// The digits of a finite number above 0.
    pub(crate) fn of(value: f64) -> Digits {
        let exact = Float::of(value);
        let (low, high) = exact.boundaries();
        let (power, ten) = power_for(high.exponent);
        let (exact, mut low, mut high) =
            (exact.normalized().times(power), low.times(power), high.times(power));
        // The power is inexact by less than one unit at each end.
        low.bits += 1;
        high.bits -= 1;
        let mut digits = Digits { digits: [0; MAX_DIGITS], len: 0, exponent: -ten };
        digits.generate(exact, low, high);
        digits
    }

    /// The digits as ASCII.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.digits[..self.len]
    }

    fn push(&mut self, digit: u64) {
        if (digit != 0 || self.len > 0) && self.len < MAX_DIGITS {
            self.digits[self.len] = b'0' + digit as u8;
            self.len += 1;
        }
    }

    /// Cuts digits off the upper end until what is left lies between the ends.
    fn generate(&mut self, exact: Float, low: Float, high: Float) {
        let shift = high.exponent.unsigned_abs();
        let one = 1u64 << shift;
        let (mut whole, mut part) = (high.bits >> shift, high.bits & (one - 1));
        let mut span = high.bits - low.bits;
        let mut distance = high.bits - exact.bits;
        for power in (0..10).rev() {
            let unit = 10u64.pow(power);
            self.push(whole / unit);
            whole %= unit;
            let rest = (whole << shift) + part;
            if rest <= span {
                self.exponent += power as i32;
                return self.round(span, rest, unit << shift, distance);
            }
        }
        loop {
            part *= 10;
            span *= 10;
            distance = distance.wrapping_mul(10);
            self.exponent -= 1;
            self.push(part >> shift);
            part &= one - 1;
            if part < span {
                return self.round(span, part, one, distance);
            }
        }
    }

    /// Brings the last digit nearer to the number itself: `rest` is how far the digits are below
    /// the upper end, `distance` how far the number is.
    fn round(&mut self, span: u64, mut rest: u64, unit: u64, distance: u64) {
        while rest < distance
            && span - rest >= unit
            && (rest + unit < distance || distance - rest > rest + unit - distance)
        {
            self.digits[self.len - 1] -= 1;
            rest += unit;
        }
    }
}

impl Float {
    fn of(value: f64) -> Float {
        let bits = value.to_bits() & !(1 << 63);
        let fraction = bits & (HIDDEN_BIT - 1);
        match (bits >> FRACTION_BITS) as i32 {
            0 => Float { bits: fraction, exponent: 1 - BIAS },
            exponent => Float { bits: fraction | HIDDEN_BIT, exponent: exponent - BIAS },
        }
    }

    fn normalized(self) -> Float {
        let shift = self.bits.leading_zeros();
        Float { bits: self.bits << shift, exponent: self.exponent - shift as i32 }
    }

    /// Half way to the next number below and above, both with the exponent of the upper one.
    fn boundaries(self) -> (Float, Float) {
        let high = Float { bits: (self.bits << 1) + 1, exponent: self.exponent - 1 }.normalized();
        // Below a power of two numbers lie closer.
        let closer = if self.bits == HIDDEN_BIT { 2 } else { 1 };
        let low = (self.bits << closer) - 1;
        let shift = self.exponent - closer - high.exponent;
        (Float { bits: low << shift, exponent: high.exponent }, high)
    }

    /// The product, rounded to 64 bits.
    fn times(self, other: Float) -> Float {
        let product = u128::from(self.bits) * u128::from(other.bits) + (1 << 63);
        Float { bits: (product >> 64) as u64, exponent: self.exponent + other.exponent + 64 }
    }
}

/// A power of ten that brings a number with this binary exponent near 1, and its exponent.
fn power_for(exponent: i32) -> (Float, i32) {
    let guess = -(f64::from(exponent + POWERS.len() as i32) * std::f64::consts::LOG10_2) as i32;
    let mut at = ((guess - FIRST_POWER) / POWER_STEP).clamp(0, POWERS.len() as i32 - 1);
    loop {
        let (bits, power) = POWERS[at as usize];
        let product = exponent + power + 64;
        if product < *EXPONENTS.start() && at + 1 < POWERS.len() as i32 {
            at += 1;
        } else if product > *EXPONENTS.end() && at > 0 {
            at -= 1;
        } else {
            return (Float { bits, exponent: power }, FIRST_POWER + at * POWER_STEP);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: f64) -> String {
        let digits = Digits::of(value);
        format!("{}e{}", String::from_utf8_lossy(digits.as_bytes()), digits.exponent)
    }

    #[test]
    fn digits_read_back_as_the_same_number() {
        let mut bits = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..200_000 {
            bits = bits
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let value = f64::from_bits(bits >> 1);
            if value.is_finite() && value > 0.0 {
                assert_eq!(text(value).parse::<f64>().unwrap().to_bits(), value.to_bits());
            }
        }
        for value in [f64::MIN_POSITIVE, f64::MAX, 5e-324, 1.0, 2.0, 0.5, 1e22, 4503599627370496.5]
        {
            assert_eq!(text(value).parse::<f64>().unwrap().to_bits(), value.to_bits());
        }
    }

    /// What Redis prints where fewer digits would do.
    #[test]
    fn digits_are_not_always_the_fewest() {
        assert_eq!(text(5.889 * 5.81), "34215089999999996e-15");
        assert_eq!(text(0.1), "1e-1");
    }
}
