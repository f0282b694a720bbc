//! The housekeeper is rung for a deadline that it does not know, and by nobody else.

use larder_engine::engine::Housekeeping;
use larder_engine::testing::{TestEngine, send};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A housekeeper who was rung by what he found himself never slept again, on a whole core, from
/// the first key with a TTL on.
#[test]
fn what_the_housekeeper_finds_does_not_ring_for_him() {
    let test = TestEngine::new(4);
    let (mut session, _mailbox) = test.session();
    let rings = Arc::new(AtomicU64::new(0));
    let count = rings.clone();
    test.engine.on_deadline(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
    });
    let mut work = Housekeeping::default();
    let now_ms = test.engine.now_us() / 1000;
    assert_eq!(test.engine.expire_due(&mut work), None);
    for at in 0..20 {
        send(&mut session, &format!("SET k{at} v PX {}", 5000 + at));
    }
    assert_eq!(rings.load(Ordering::SeqCst), 1, "for the first, which is the earliest");
    for _ in 0..3 {
        assert_eq!(test.engine.expire_due(&mut work), Some(now_ms + 5000));
    }
    assert_eq!(rings.load(Ordering::SeqCst), 1);
    send(&mut session, "SET later v PX 9000");
    assert_eq!(rings.load(Ordering::SeqCst), 1);
    send(&mut session, "SET sooner v PX 1000");
    assert_eq!(rings.load(Ordering::SeqCst), 2);
}
