//! Numbers as C's `%.14g` prints them.

/// As `%.14g` does.
pub(crate) fn general_14g(number: f64) -> String {
    general(number, 14)
}

/// As `%.{digits}g` does: so many significant digits, without zeros at the end, with an exponent
/// where that is far from zero.
pub(super) fn general(number: f64, digits: usize) -> String {
    if !number.is_finite() {
        return match () {
            () if number.is_nan() => "nan".to_owned(),
            () if number < 0.0 => "-inf".to_owned(),
            () => "inf".to_owned(),
        };
    }
    let scientific = format!("{number:.*e}", digits - 1);
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..digits as i32).contains(&exponent) {
        let decimals = usize::try_from(digits as i32 - 1 - exponent).unwrap_or_default();
        return trimmed(&format!("{number:.decimals$}")).to_owned();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", trimmed(mantissa), exponent.abs())
}

/// A decimal number without zeros at its end.
fn trimmed(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_print_as_in_c() {
        for (number, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (0.1, "0.1"),
            (1e14, "1e+14"),
            (123_456_789_012_345.0, "1.2345678901234e+14"),
            (99_999_999_999_999.9, "1e+14"),
            (1e-4, "0.0001"),
            (1e-5, "1e-05"),
            (2.0 / 3.0, "0.66666666666667"),
            (1e300, "1e+300"),
        ] {
            assert_eq!(general_14g(number), text);
        }
    }
}
