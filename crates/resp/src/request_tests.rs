//! Tests of the request parser: each breach by its text, any cutting into reads, the bounds.

use super::*;
use crate::encode::encode_request;
use proptest::prelude::*;

type Words = Vec<Vec<u8>>;

/// Feeds `bytes` in the given pieces as a connection would: a fresh allocation for every call, so
/// that nothing can rely on the buffer's place. Returns the requests and the breach, if any.
fn feed(bytes: &[u8], pieces: &[usize], limits: &Limits) -> (Vec<Words>, Option<ProtocolError>) {
    let mut parser = RequestParser::new();
    let (mut requests, mut start, mut end) = (Vec::new(), 0, 0);
    let mut pieces = pieces.iter().copied().chain(std::iter::repeat(bytes.len()));
    while end < bytes.len() {
        end = (end + pieces.next().unwrap()).min(bytes.len());
        loop {
            let buf = bytes[start..end].to_vec();
            let mut args = ArgVec::new();
            match parser.parse(&buf, limits, &mut args) {
                Ok(Parsed::Request { consumed }) => {
                    requests.push(args.iter().map(|arg| arg.to_vec()).collect());
                    start += consumed;
                }
                Ok(Parsed::Incomplete { want }) => {
                    assert!(args.is_empty());
                    assert!(want == 0 || want > buf.len(), "{want} for {}", buf.len());
                    break;
                }
                Err(breach) => return (requests, Some(breach)),
            }
        }
    }
    assert_eq!(parser.in_request(), start < end);
    (requests, None)
}

/// Feeds whole and one byte at a time, which must give the same.
fn outcome(bytes: &[u8], limits: &Limits) -> (Vec<Words>, Option<ProtocolError>) {
    let whole = feed(bytes, &[], limits);
    assert_eq!(feed(bytes, &vec![1; bytes.len()], limits), whole);
    whole
}

fn requests(bytes: &[u8]) -> Vec<Words> {
    let (requests, breach) = outcome(bytes, &Limits::default());
    assert_eq!(breach, None);
    requests
}

fn breach_with(bytes: &[u8], limits: &Limits) -> String {
    outcome(bytes, limits).1.map_or_else(|| "no breach".to_owned(), |breach| breach.to_string())
}

fn breach(bytes: &[u8]) -> String {
    breach_with(bytes, &Limits::default())
}

fn words<const N: usize>(words: [&str; N]) -> Words {
    words.map(|word| word.as_bytes().to_vec()).to_vec()
}

#[test]
fn arrays_of_bulks() {
    let bytes = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$4\r\n\r\n\0v\r\n*1\r\n$0\r\n\r\n";
    assert_eq!(requests(bytes), [words(["SET", "k", "\r\n\0v"]), words([""])]);
}

#[test]
fn empty_requests_are_consumed() {
    assert_eq!(requests(b"*0\r\n*-1\r\n*-7\r\n\r\n\n  \r\nPING\r\n").len(), 7);
    assert_eq!(requests(b"*0\r\nPING\r\n"), [words([]), words(["PING"])]);
}

#[test]
fn inline_lines() {
    assert_eq!(
        requests(b"PING\r\n SET  k\tv \nEXISTS \"a b\" 'c\\'d' e\"\\x41\"\r\n*1\r\n$1\r\nx\r\n"),
        [
            words(["PING"]),
            words(["SET", "k", "v"]),
            words(["EXISTS", "a b", "c'd", "eA"]),
            words(["x"])
        ]
    );
}

#[test]
fn every_line_break_of_an_array_is_looked_at() {
    // Valkey's rule: what is skipped unseen would let two readers of one stream disagree.
    for bytes in [
        &b"*1\rX"[..],
        b"*1\r\n$1\rX",
        b"*1\r\n$1\r\naX\n",
        b"*1\r\n$1\r\na\rX",
        b"*1\r\n$1\r\nabc",
    ] {
        assert_eq!(breach(bytes), "invalid CRLF in request");
    }
    assert_eq!(breach(b"*1x\n$1\r\na\r\n"), "invalid multibulk length");
    assert_eq!(breach(b"*1\r\n$1x\na\r\n"), "invalid bulk length");
}

#[test]
fn invalid_multibulk_length() {
    for count in ["", "a", "1a", "+1", "01", "-0", " 1", "2147483648", "99999999999999999999"] {
        assert_eq!(breach(format!("*{count}\r\n").as_bytes()), "invalid multibulk length");
    }
    assert_eq!(breach(b"*2147483647\r\n"), "no breach");
    let limits = Limits { max_args: 2, ..Limits::default() };
    assert_eq!(breach_with(b"*3\r\n", &limits), "invalid multibulk length");
    assert_eq!(breach_with(b"*2\r\n", &limits), "no breach");
}

#[test]
fn invalid_bulk_length() {
    for len in ["", "a", "-1", "+1", "01", "536870913", "9223372036854775808"] {
        assert_eq!(breach(format!("*1\r\n${len}\r\n").as_bytes()), "invalid bulk length");
    }
    assert_eq!(breach(b"*1\r\n$536870912\r\n"), "no breach");
    let unlimited = Limits { max_bulk_bytes: u64::MAX, ..Limits::default() };
    assert_eq!(breach_with(b"*1\r\n$9223372036854775807\r\nab", &unlimited), "no breach");
}

#[test]
fn expected_bulk() {
    assert_eq!(breach(b"*1\r\n:1\r\n"), "expected '$', got ':'");
    assert_eq!(breach(b"*1\r\nfoo\r\n"), "expected '$', got 'f'");
    assert_eq!(breach(b"*1\r\n\r\n"), "expected '$', got '\r'");
    assert_eq!(breach(b"*2\r\n$1\r\na\r\n*\r\n"), "expected '$', got '*'");
    // As in Redis the line has to end before it is judged.
    assert_eq!(breach(b"*1\r\nfoo\r"), "no breach");
}

#[test]
fn too_big_lines() {
    let limits = Limits { max_inline_bytes: 40, ..Limits::default() };
    let digits = |count: usize| "1".repeat(count);
    for (head, text) in [
        ("*", "too big mbulk count string"),
        ("*1\r\n$", "too big bulk count string"),
        ("", "too big inline request"),
    ] {
        let used = head.len() - head.rfind('\n').map_or(0, |at| at + 1);
        let at_limit = format!("{head}{}", digits(40 - used));
        assert_eq!(breach_with(at_limit.as_bytes(), &limits), "no breach");
        assert_eq!(breach_with(format!("{at_limit}1").as_bytes(), &limits), text);
        assert_eq!(breach_with(format!("{at_limit}1\r\n").as_bytes(), &limits), text);
        // An inline line's carriage return counts as part of it, as in Redis.
        let line_break = if head.is_empty() { "\n" } else { "\r\n" };
        assert_ne!(breach_with(format!("{at_limit}{line_break}").as_bytes(), &limits), text);
    }
    let line = vec![b'x'; limits.max_inline_bytes];
    assert_eq!(outcome(&[&line[..], b"\n"].concat(), &limits), (vec![vec![line]], None));
}

#[test]
fn header_lines_ignore_a_tiny_line_limit() {
    // A whole header went through the fast path, which looks at no limit, while the same header
    // in two reads was refused. Headers that can hold a number are taken either way.
    let limits = Limits { max_inline_bytes: 0, ..Limits::default() };
    let taken = outcome(b"*1\r\n$10\r\n0123456789\r\n", &limits);
    assert_eq!(taken, (vec![words(["0123456789"])], None));
}

#[test]
fn unauthenticated() {
    let limits = Limits { authenticated: false, ..Limits::default() };
    assert_eq!(breach_with(b"*10\r\n$16384\r\n", &limits), "no breach");
    assert_eq!(breach_with(b"*11\r\n", &limits), "unauthenticated multibulk length");
    assert_eq!(breach_with(b"*1\r\n$16385\r\n", &limits), "unauthenticated bulk length");
    assert_eq!(breach_with(b"*2147483648\r\n", &limits), "invalid multibulk length");
    assert_eq!(breach_with(b"*1\r\n$536870913\r\n", &limits), "invalid bulk length");
}

#[test]
fn unbalanced_quotes() {
    for line in ["a \"b", "'a", "\"a\"b"] {
        let text = "unbalanced quotes in request";
        assert_eq!(breach(format!("PING\r\n{line}\r\n").as_bytes()), text);
    }
}

#[test]
fn a_big_bulk_is_announced_and_reserves_nothing() {
    let mut parser = RequestParser::new();
    let buf = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$536870912\r\nabc";
    let parsed = parser.parse(buf, &Limits::default(), &mut ArgVec::new());
    assert_eq!(parsed, Ok(Parsed::Incomplete { want: buf.len() - 3 + 536_870_912 + 2 }));
    assert!(parser.heap_bytes() < 1024);
    let mut parser = RequestParser::new();
    let buf = b"*2147483647\r\n$1\r\na\r\n";
    let parsed = parser.parse(buf, &Limits::default(), &mut ArgVec::new());
    assert_eq!(parsed, Ok(Parsed::Incomplete { want: 0 }));
    assert!(parser.heap_bytes() < 1024);
}

#[test]
fn seen_bytes_are_not_read_again() {
    for (bytes, cut) in [
        (&b"*2\r\n$3\r\nGET\r\n$4\r\nkeyA\r\n"[..], 18),
        (b"*2\r\n$3\r\nGET\r\n$4\r\nkeyA\r\n", 15),
        (b"*2\r\n$3\r\nGET\r\n$4\r\nkeyA\r\n", 9),
        (b"*00000000000000000000000000000000000000\r\n", 30),
        (b"xxxxxxxxxxxxxxxxxxxxxxxxxxx y\r\n", 20),
    ] {
        let mut parser = RequestParser::new();
        let first = parser.parse(&bytes[..cut], &Limits::default(), &mut ArgVec::new());
        assert!(matches!(first, Ok(Parsed::Incomplete { .. })));
        // An early end planted in what was seen must not be noticed: read again, it would make
        // an empty array or a line of four bytes.
        let mut forged = bytes.to_vec();
        forged[1..cut - 2].fill(b'\r');
        forged[1..4].copy_from_slice(b"0\r\n");
        let mut args = ArgVec::new();
        match parser.parse(&forged, &Limits::default(), &mut args) {
            Ok(Parsed::Request { consumed }) => assert_eq!(consumed, bytes.len()),
            Err(breach) => assert_eq!(breach, ProtocolError::InvalidMultibulkLength),
            incomplete => panic!("{incomplete:?}"),
        }
    }
}

#[test]
fn memory_of_an_unfinished_request_is_given_back() {
    let mut bytes = Vec::new();
    encode_request(&mut bytes, &vec!["word"; 1000]);
    let mut parser = RequestParser::new();
    let cut = bytes.len() - 1;
    parser.parse(&bytes[..cut], &Limits::default(), &mut ArgVec::new()).unwrap();
    assert!(parser.heap_bytes() >= 1000);
    let mut args = ArgVec::new();
    parser.parse(&bytes, &Limits::default(), &mut args).unwrap();
    assert_eq!(args.len(), 1000);
    drop(args);
    assert_eq!(parser.heap_bytes(), 0);
    parser.parse(b"'a' \"b\"\n", &Limits::default(), &mut ArgVec::new()).unwrap();
    assert!(parser.heap_bytes() > 0);
    parser.shrink();
    assert_eq!(parser.heap_bytes(), 0);
}

fn any_words() -> impl Strategy<Value = Words> {
    prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..14)
}

proptest! {
    #[test]
    fn encoded_requests_come_back_at_any_cut(
        sent in prop::collection::vec(any_words(), 1..5),
        pieces in prop::collection::vec(1usize..60, 0..40),
    ) {
        let mut bytes = Vec::new();
        for words in &sent {
            encode_request(&mut bytes, words);
        }
        prop_assert_eq!(feed(&bytes, &pieces, &Limits::default()), (sent, None));
    }

    #[test]
    fn cutting_never_changes_the_outcome(
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..80),
            "([*$]-?[0-9]{0,2}\r\n|[a-c'\"\\\\ \r\n]{0,5}){0,12}".prop_map(String::into_bytes),
        ],
        pieces in prop::collection::vec(1usize..20, 0..40),
        authenticated in any::<bool>(),
        max_inline_bytes in 0usize..60,
    ) {
        let limits =
            Limits { authenticated, max_inline_bytes, max_args: 50, ..Limits::default() };
        let whole = feed(&bytes, &[], &limits);
        prop_assert_eq!(&feed(&bytes, &pieces, &limits), &whole);
        prop_assert_eq!(&feed(&bytes, &vec![1; bytes.len()], &limits), &whole);
    }
}
