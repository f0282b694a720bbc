//! Tests of decoding: every type, every refusal, pieces, round trips, hostile claims.

use super::*;
use crate::encode::Protocol;
use proptest::prelude::*;

fn bulk(text: &str) -> Value {
    Value::Bulk(text.into())
}

fn decoded(text: &str) -> Value {
    let (value, len) = decode(text.as_bytes()).unwrap().unwrap();
    assert_eq!(len, text.len());
    value
}

#[test]
fn every_type() {
    let table: Vec<(&str, Value)> = vec![
        ("+OK\r\n", Value::Simple(b"OK".to_vec())),
        ("+a\rb\nc\r\n", Value::Simple(b"a\rb\nc".to_vec())),
        ("-ERR no\r\n", Value::Error(b"ERR no".to_vec())),
        (":-12\r\n", Value::Int(-12)),
        (":+12\r\n", Value::Int(12)),
        ("$4\r\na\r\nb\r\n", bulk("a\r\nb")),
        ("$0\r\n\r\n", bulk("")),
        ("$-1\r\n", Value::Null),
        ("*-1\r\n", Value::Null),
        ("_\r\n", Value::Null),
        ("*2\r\n*0\r\n:1\r\n", Value::Array(vec![Value::Array(vec![]), Value::Int(1)])),
        ("%1\r\n$1\r\nk\r\n:1\r\n", Value::Map(vec![(bulk("k"), Value::Int(1))])),
        ("~1\r\n#t\r\n", Value::Set(vec![Value::Boolean(true)])),
        (">1\r\n#f\r\n", Value::Push(vec![Value::Boolean(false)])),
        (",1.5e+3\r\n", Value::Double(1500.0)),
        (",-inf\r\n", Value::Double(f64::NEG_INFINITY)),
        ("(-123456789012345678901\r\n", Value::BigNumber(b"-123456789012345678901".to_vec())),
        ("=7\r\ntxt:a\r\n\r\n", Value::Verbatim { format: *b"txt", text: b"a\r\n".to_vec() }),
        ("!6\r\nE a\r\nb\r\n", Value::Error(b"E a\r\nb".to_vec())),
        (
            "|1\r\n+k\r\n:1\r\n*1\r\n_\r\n",
            Value::Attribute {
                pairs: vec![(Value::Simple(b"k".to_vec()), Value::Int(1))],
                value: Box::new(Value::Array(vec![Value::Null])),
            },
        ),
    ];
    for (text, value) in table {
        assert_eq!(decoded(text), value, "{text:?}");
        for cut in 0..text.len() {
            assert_eq!(decode(&text.as_bytes()[..cut]), Ok(None), "{text:?} cut at {cut}");
        }
    }
    assert!(matches!(decoded(",nan\r\n"), Value::Double(value) if value.is_nan()));
}

#[test]
fn every_refusal() {
    let table: &[(&str, DecodeError)] = &[
        ("x", DecodeError::UnknownType(b'x')),
        ("*1\r\n?", DecodeError::UnknownType(b'?')),
        ("$?\r\n", DecodeError::InvalidLength),
        ("*?\r\n", DecodeError::InvalidLength),
        ("$-2\r\n", DecodeError::InvalidLength),
        ("%-1\r\n", DecodeError::InvalidLength),
        ("*\r\n", DecodeError::InvalidLength),
        ("*4294967296\r\n", DecodeError::InvalidLength),
        ("$9223372036854775808\r\n", DecodeError::InvalidLength),
        (":\r\n", DecodeError::InvalidScalar),
        (":1.5\r\n", DecodeError::InvalidScalar),
        (":9223372036854775808\r\n", DecodeError::InvalidScalar),
        (",x\r\n", DecodeError::InvalidScalar),
        (",\r\n", DecodeError::InvalidScalar),
        ("#\r\n", DecodeError::InvalidScalar),
        ("#true\r\n", DecodeError::InvalidScalar),
        ("_x\r\n", DecodeError::InvalidScalar),
        ("(1.0\r\n", DecodeError::InvalidScalar),
        ("(-\r\n", DecodeError::InvalidScalar),
        ("$1\r\nabc", DecodeError::InvalidString),
        ("=3\r\ntxt\r\n", DecodeError::InvalidString),
        ("=4\r\ntext\r\n", DecodeError::InvalidString),
    ];
    for (text, error) in table {
        assert_eq!(decode(text.as_bytes()), Err(*error), "{text:?}");
    }
}

#[test]
fn depth_is_bounded() {
    let nested = |depth: usize, head: &str, leaf: &str| head.repeat(depth - 1) + leaf;
    for head in ["*1\r\n", "|0\r\n", "~1\r\n", ">1\r\n"] {
        for leaf in [":1\r\n", "*0\r\n"] {
            decoded(&nested(MAX_DEPTH, head, leaf));
            let deeper = nested(MAX_DEPTH + 1, head, leaf);
            assert_eq!(decode(deeper.as_bytes()), Err(DecodeError::TooDeep));
        }
    }
}

#[test]
fn claims_reserve_nothing() {
    let mut scanner = ValueScanner::new();
    assert_eq!(scanner.scan(b"*4294967295\r\n*4294967295\r\n"), Ok(None));
    assert!(scanner.open.capacity() <= 8);
    assert_eq!(decode(b"$9223372036854775000\r\nabc"), Ok(None));
    assert_eq!(decode(b"%4294967295\r\n"), Ok(None));
}

#[test]
fn scanner_takes_one_value_after_another() {
    let bytes = b"*2\r\n$5\r\nhello\r\n:1\r\n+OK\r\n";
    let mut scanner = ValueScanner::new();
    let (mut start, mut values) = (0, Vec::new());
    for end in 1..=bytes.len() {
        if let Some((value, len)) = scanner.decode(&bytes[start..end]).unwrap() {
            values.push(value);
            start += len;
        }
    }
    let first = Value::Array(vec![bulk("hello"), Value::Int(1)]);
    assert_eq!(values, [first, Value::Simple(b"OK".to_vec())]);
}

#[test]
fn resp2_gets_plainer_forms() {
    let value = decoded("|1\r\n+k\r\n:1\r\n%1\r\n+a\r\n~2\r\n#t\r\n_\r\n");
    let mut out = Vec::new();
    value.encode(&mut out, Protocol::Resp2);
    assert_eq!(out, b"*2\r\n+a\r\n*2\r\n:1\r\n$-1\r\n");
    out.clear();
    Value::Error(b"ERR a\r\nb".to_vec()).encode(&mut out, Protocol::Resp2);
    assert_eq!(out, b"-ERR a  b\r\n");
}

fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..20)
}

fn any_pairs(
    value: impl Strategy<Value = Value> + Clone,
) -> impl Strategy<Value = Vec<(Value, Value)>> {
    prop::collection::vec((value.clone(), value), 0..4)
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::Int),
        any_bytes().prop_map(Value::Bulk),
        "[^\r\n]{0,12}".prop_map(|text| Value::Simple(text.into_bytes())),
        any_bytes().prop_map(Value::Error),
        any::<f64>()
            .prop_filter("is equal to itself", |value| !value.is_nan())
            .prop_map(Value::Double),
        any::<bool>().prop_map(Value::Boolean),
        "-?[0-9]{1,40}".prop_map(|digits| Value::BigNumber(digits.into_bytes())),
        (any::<[u8; 3]>(), any_bytes()).prop_map(|(format, text)| Value::Verbatim { format, text }),
    ];
    leaf.prop_recursive(5, 40, 4, |inner| {
        let values = prop::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            values.clone().prop_map(Value::Array),
            values.clone().prop_map(Value::Set),
            values.prop_map(Value::Push),
            any_pairs(inner.clone()).prop_map(Value::Map),
            (any_pairs(inner.clone()), inner)
                .prop_map(|(pairs, value)| Value::Attribute { pairs, value: Box::new(value) }),
        ]
    })
}

/// Bytes that look enough like the protocol to get far.
fn any_soup() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..100),
        "([-+:$*_#,(!=%~>|](-?[0-9]{0,3}|t|f)\r\n|txt:|[a-z\r\n]{0,4}){0,20}"
            .prop_map(String::into_bytes),
    ]
}

proptest! {
    #[test]
    fn encoded_values_come_back(value in any_value(), tail in any_bytes()) {
        let mut bytes = Vec::new();
        value.encode(&mut bytes, Protocol::Resp3);
        let len = bytes.len();
        bytes.extend_from_slice(&tail);
        prop_assert_eq!(decode(&bytes), Ok(Some((value, len))));
    }

    #[test]
    fn resp2_form_is_valid(value in any_value()) {
        let mut bytes = Vec::new();
        value.encode(&mut bytes, Protocol::Resp2);
        prop_assert_eq!(decode(&bytes).unwrap().map(|(_, len)| len), Some(bytes.len()));
        prop_assert!(decode(&bytes[..bytes.len() - 1]).unwrap().is_none());
    }

    #[test]
    fn any_bytes_are_decoded_or_refused_alike_in_pieces(bytes in any_soup()) {
        let whole = format!("{:?}", decode(&bytes));
        let mut scanner = ValueScanner::new();
        let mut last = format!("{:?}", Ok::<_, DecodeError>(None::<(Value, usize)>));
        for end in 1..=bytes.len() {
            let step = scanner.decode(&bytes[..end]);
            last = format!("{step:?}");
            if !matches!(step, Ok(None)) {
                break;
            }
        }
        prop_assert_eq!(last, whole);
    }
}
