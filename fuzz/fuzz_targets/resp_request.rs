//! Any bytes as requests of one connection: no panic, no unbounded memory, and the same outcome
//! however the bytes are cut into reads. Run: `cargo +nightly fuzz run resp_request`.
#![no_main]

use larder_resp::{ArgVec, Limits, Parsed, ProtocolError, RequestParser, encode_request};
use libfuzzer_sys::fuzz_target;

type Outcome = (Vec<Vec<Vec<u8>>>, Option<ProtocolError>);

fuzz_target!(|data: &[u8]| {
    // The first bytes choose the limits and the cuts, the rest is the connection.
    let [flags, step, bytes @ ..] = data else { return };
    let limits = Limits {
        authenticated: flags & 1 == 0,
        max_inline_bytes: if flags & 2 == 0 { 64 * 1024 } else { 24 },
        ..Limits::default()
    };
    let whole = feed(bytes, bytes.len(), &limits);
    assert_eq!(feed(bytes, usize::from(*step).max(1), &limits), whole);
    for request in whole.0.iter().filter(|request| !request.is_empty()) {
        let mut again = Vec::new();
        encode_request(&mut again, request);
        let (requests, breach) = feed(&again, again.len(), &Limits::default());
        assert_eq!(breach, None);
        assert_eq!(&requests[..], std::slice::from_ref(request));
    }
});

fn feed(bytes: &[u8], step: usize, limits: &Limits) -> Outcome {
    let mut parser = RequestParser::new();
    let mut requests = Vec::new();
    let (mut start, mut end) = (0, 0);
    while end < bytes.len() {
        end = (end + step).min(bytes.len());
        loop {
            let mut args = ArgVec::new();
            match parser.parse(&bytes[start..end], limits, &mut args) {
                Ok(Parsed::Request { consumed }) => {
                    requests.push(args.iter().map(|arg| arg.to_vec()).collect());
                    start += consumed;
                }
                Ok(Parsed::Incomplete { want }) => {
                    assert!(want == 0 || want > end - start);
                    break;
                }
                Err(breach) => return (requests, Some(breach)),
            }
        }
        // Each argument needs six bytes of input, and its position sixteen, doubled by growth.
        assert!(parser.heap_bytes() <= 6 * bytes.len() + 256);
    }
    (requests, None)
}
