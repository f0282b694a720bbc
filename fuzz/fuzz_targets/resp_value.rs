//! Any bytes as a reply: no panic, the same outcome in pieces, and what was decoded comes back
//! from its own encoding. Run: `cargo +nightly fuzz run resp_value`.
#![no_main]

use larder_resp::{Protocol, ValueScanner, decode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let [step, bytes @ ..] = data else { return };
    let whole = decode(bytes);
    let mut scanner = ValueScanner::new();
    let mut pieces = Ok(None);
    let mut end = 0;
    while end < bytes.len() && pieces == Ok(None) {
        end = (end + usize::from(*step).max(1)).min(bytes.len());
        pieces = scanner.scan(&bytes[..end]);
    }
    let whole_len = whole.as_ref().map(|found| found.as_ref().map(|(_, len)| *len));
    assert_eq!(pieces.as_ref().copied(), whole_len.map_err(|error| error));
    if let Ok(Some((value, _))) = whole {
        // The first encoding is canonical; decoding it must lead to itself.
        let (mut first, mut second) = (Vec::new(), Vec::new());
        value.encode(&mut first, Protocol::Resp3);
        let (again, len) = decode(&first).unwrap().unwrap();
        assert_eq!(len, first.len());
        again.encode(&mut second, Protocol::Resp3);
        assert_eq!(first, second);
        let mut resp2 = Vec::new();
        value.encode(&mut resp2, Protocol::Resp2);
        let plain = decode(&resp2).unwrap().unwrap();
        assert_eq!(plain.1, resp2.len());
    }
});
