//! Against literal cases that a real server computed, and against plain properties.

use super::*;
use proptest::prelude::*;

fn text_of(text: &str) -> Option<String> {
    Some(String::from_utf8(LongDouble::parse(text.as_bytes())?.text().to_vec()).expect("ASCII"))
}

/// The reply of `INCRBYFLOAT` in one word.
fn sum(value: &str, increment: &str) -> String {
    let operands = (LongDouble::parse(value.as_bytes()), LongDouble::parse(increment.as_bytes()));
    let (Some(value), Some(increment)) = operands else { return "not-a-float".into() };
    match value.plus(increment).filter(|sum| sum.is_finite()) {
        Some(sum) => String::from_utf8(sum.text().to_vec()).expect("ASCII"),
        None => "not-finite".into(),
    }
}

/// Each line is `value increment reply`, as Valkey 9.1 and Redis 7.0 answer on x86-64.
#[test]
fn sums_are_those_of_a_real_server() {
    let mut cases = 0;
    for line in include_str!("cases.txt").lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let [value, increment, reply] = words[..] else { panic!("a case of three words: {line}") };
        assert_eq!(sum(value, increment), reply, "{value} + {increment}");
        cases += 1;
    }
    assert!(cases > 300, "{cases} cases");
}

#[test]
fn what_is_no_number() {
    let digits = "1".repeat(MAX_TEXT);
    for text in [
        "",
        " ",
        "-",
        "+",
        ".",
        "-.",
        " 1",
        "1 ",
        "1a",
        "e1",
        ".e1",
        "1e",
        "1e+",
        "1e1.5",
        "--1",
        "+-1",
        "nan",
        "-NaN",
        "nan(1)",
        "infinit",
        "infinityy",
        "0x",
        "0x.",
        "0x1p",
        "0xg",
        "1_0",
        "1e5000",
        "-1e99999999999999999999",
        "1e-5000",
        "0x1p-16446",
        "0x1p16384",
        "1\0",
        "١",
        &digits,
    ] {
        assert_eq!(text_of(text), None, "{text:?}");
    }
}

#[test]
fn every_form_of_a_number() {
    for (text, printed) in [
        ("1", "1"),
        ("+1", "1"),
        ("-1", "-1"),
        ("1.", "1"),
        (".5", "0.5"),
        ("-.5", "-0.5"),
        ("1e2", "100"),
        ("1E-2", "0.01"),
        ("0x1p4", "16"),
        ("0X.8", "0.5"),
        ("0x1.8P1", "3"),
        ("0x", "none"),
        ("inf", "inf"),
        ("-Infinity", "-inf"),
        ("+INF", "inf"),
        ("00012.50", "12.5"),
        ("-0", "0"),
        ("0e999999999999", "0"),
        ("1e-4950", "0"),
        ("-1e-20", "0"),
        ("0.0000000000000000051", "0.00000000000000001"),
        ("0.000000000000000005", "0"),
        ("0.00000000000000001", "0.00000000000000001"),
        ("0.999999999999999999", "1"),
        ("18446744073709551615", "18446744073709551615"),
        ("18446744073709551617", "18446744073709551616"),
        ("18446744073709551619", "18446744073709551620"),
    ] {
        assert_eq!(text_of(text).unwrap_or("none".into()), printed, "{text}");
    }
    assert!(text_of(&"1".repeat(4932)).is_some_and(|text| text.len() == 4932));
    let max = String::from_utf8(LongDouble::MAX.text().to_vec()).expect("ASCII");
    assert_eq!(LongDouble::parse(max.as_bytes()), Some(LongDouble::MAX));
    assert!(max.starts_with("118973149535723176502126385303"));
}

#[test]
fn infinities() {
    let inf = LongDouble::parse(b"inf").expect("a number");
    let one = LongDouble::parse(b"1").expect("a number");
    assert!(!inf.is_finite() && inf > LongDouble::MAX && inf.negated() < one);
    assert_eq!(inf.minus(inf), None);
    assert_eq!(inf.plus(one), Some(inf));
    assert_eq!(LongDouble::MAX.plus(LongDouble::MAX), Some(inf));
}

proptest! {
    #[test]
    fn doubles_survive(value: f64) {
        prop_assume!(value.is_finite());
        // The shortest text of a small double may lie so near the middle of two that rounding it
        // to 64 bits first decides for the other: with more digits it does not.
        let read = LongDouble::parse(format!("{value:.20e}").as_bytes());
        prop_assert_eq!(read.map(LongDouble::to_f64), Some(value));
    }

    #[test]
    fn exact_text_is_exact(exponent in MIN_EXPONENT..=MAX_EXPONENT, mantissa: u64, negative: bool) {
        let number = LongDouble { negative, exponent, mantissa: mantissa | TOP_BIT };
        prop_assert_eq!(LongDouble::parse(number.exact_text().as_bytes()), Some(number));
    }

    #[test]
    fn integers_add_up(one: i64, other: i64) {
        let exact = i128::from(one) + i128::from(other);
        if exact.unsigned_abs() <= u128::from(u64::MAX) {
            prop_assert_eq!(sum(&one.to_string(), &other.to_string()), exact.to_string());
        }
    }

    #[test]
    fn sums_commute_and_what_is_printed_reads_back(
        one in "-?[0-9]{1,30}(\\.[0-9]{0,25})?(e-?[0-9]{1,2})?",
        other in "-?[0-9]{1,30}(\\.[0-9]{0,25})?(e-?[0-9]{1,3})?",
    ) {
        let total = sum(&one, &other);
        prop_assert_eq!(&total, &sum(&other, &one));
        prop_assert_eq!(sum(&total, "0"), total);
    }

    #[test]
    fn no_text_breaks_it(text in "\\PC{0,40}", number in "[-+]?[0-9.exEXpPinf+-]{0,40}") {
        let _ = (text_of(&text), text_of(&number));
    }
}
