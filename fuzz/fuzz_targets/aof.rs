//! Any bytes as a file of the append-only log: no panic, no memory that only a number asks for; and
//! what is called good of it is a whole file that gives the same data. Run: `cargo +nightly fuzz run
//! aof`.
#![no_main]

use larder_engine::testing::{TestEngine, send};
use larder_store::aof::replay::{End, Replayed, replay};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let (test, played) = play(data);
    assert!(played.good <= data.len() as u64);
    if matches!(played.end, End::Damaged { .. }) {
        return;
    }
    let good = &data[..played.good as usize];
    let (again, whole) = play(good);
    assert_eq!((whole.good, &whole.end), (played.good, &End::Whole));
    assert_eq!(digest(&test), digest(&again), "the good part gives other data");
});

fn play(mut data: &[u8]) -> (TestEngine, Replayed) {
    let test = TestEngine::new(2);
    test.engine.config().set("enable-debug-command", &[b"no"]).expect("a setting of the table");
    let (mut session, _) = test.session();
    session.replay();
    test.engine.set_loading(true);
    let size = data.len() as u64;
    let played = replay(&mut data, (0, size), &mut session, &mut |_| {}).expect("a slice is read");
    test.engine.set_loading(false);
    drop(session);
    (test, played)
}

fn digest(test: &TestEngine) -> Vec<u8> {
    test.engine.config().set("enable-debug-command", &[b"yes"]).expect("a setting of the table");
    send(&mut test.session().0, "DEBUG DIGEST")
}
