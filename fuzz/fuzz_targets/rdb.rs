//! Any bytes as a snapshot file: no panic, no memory that only a number asks for; and what is taken
//! is written again and comes back the same. Run: `cargo +nightly fuzz run rdb`.
//!
//! The first byte chooses how data of modules is taken and which version is written, the rest is the
//! file, whose checksum is not looked at.
#![no_main]

use larder_engine::testing::{TestEngine, send};
use larder_store::rdb::{ReadOptions, Summary, WriteOptions, load, write};
use libfuzzer_sys::fuzz_target;

/// What `rdb-save-version` may be.
const VERSIONS: [&str; 3] = ["auto", "12", "valkey80"];

fuzz_target!(|data: &[u8]| {
    let [choice, file @ ..] = data else { return };
    let test = engine();
    if read(&test, file, choice & 1 == 1).is_none() {
        return;
    }
    let version = VERSIONS[usize::from(choice >> 1) % VERSIONS.len()];
    test.engine.config().set("rdb-save-version", &[version.as_bytes()]).expect("a version");
    let mut snapshot = test.engine.begin_snapshot().expect("nothing else runs");
    let mut bytes = Vec::new();
    let options = WriteOptions::of(test.engine.config());
    let written = write(&mut snapshot, &mut bytes, &options).expect("a vector takes all");
    let copy = engine();
    let summary = read(&copy, &bytes, false).expect("what was written is refused");
    assert_eq!(written.keys, summary.keys);
    assert_eq!(digest(&test), digest(&copy), "what was written comes back as something else");
});

fn engine() -> TestEngine {
    let test = TestEngine::new(2);
    test.engine.config().set("enable-debug-command", &[b"yes"]).expect("a setting of the table");
    test
}

fn read(test: &TestEngine, mut file: &[u8], skip_modules: bool) -> Option<Summary> {
    let options =
        ReadOptions { skip_modules, any_checksum: true, ..ReadOptions::of(&test.engine) };
    load(&mut file, &test.engine, options).ok()
}

fn digest(test: &TestEngine) -> Vec<u8> {
    let (mut session, _mailbox) = test.session();
    // A hash all of whose fields are due is there until somebody looks.
    test.engine.expire_due(&mut Default::default());
    send(&mut session, "DEBUG DIGEST")
}
