//! Snapshot files: what is written comes back, old files are read, hostile ones are refused.

use super::*;
use larder_engine::keyspace::snapshot::{SavedEntry, Uses};
use larder_engine::testing::{Requests, TestEngine, send};
use std::io::Read;

const START_MS: u64 = 1_700_000_000_000;

/// An engine with a bit of everything.
fn filled(seed: u64, requests: usize) -> TestEngine {
    let test = TestEngine::new(4);
    allow_debug(&test);
    let (mut session, _mailbox) = test.session();
    let mut source = Requests::new(seed, START_MS);
    let known = larder_engine::commands::all();
    for _ in 0..requests {
        let command = &known[source.rng.usize(..known.len())];
        let never = ["shutdown", "debug", "client", "multi", "flush", "eval", "script", "config"];
        let blocks = command.name.starts_with('b') || command.name.contains("subscribe");
        if blocks || never.iter().any(|name| command.name.starts_with(name)) {
            continue;
        }
        session.select(source.rng.u8(..3));
        let words = source.request(command);
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        let _ = session.execute(&words, &mut Vec::new());
        if session.is_blocked() {
            session.cancel_wait();
        }
    }
    test
}

fn allow_debug(test: &TestEngine) {
    test.engine.config().set("enable-debug-command", &[b"yes"]).unwrap();
}

fn written(test: &TestEngine) -> Vec<u8> {
    let mut snapshot = test.engine.begin_snapshot().unwrap();
    let mut bytes = Vec::new();
    let options = WriteOptions::of(test.engine.config());
    let told = write(&mut snapshot, &mut bytes, &options).unwrap();
    assert_eq!(told.bytes, bytes.len() as u64);
    bytes
}

fn digest(test: &TestEngine) -> Vec<u8> {
    let (mut session, _mailbox) = test.session();
    let digest = send(&mut session, "DEBUG DIGEST");
    assert!(digest.starts_with(b"+"), "{}", digest.escape_ascii());
    digest
}

fn loaded(bytes: &[u8]) -> Result<(TestEngine, Summary), Error> {
    let test = TestEngine::new(16);
    allow_debug(&test);
    let summary = load(&mut &*bytes, &test.engine, ReadOptions::of(&test.engine))?;
    Ok((test, summary))
}

/// Reads one byte at a time, as the worst network would.
struct Drops<'a>(&'a [u8]);

impl Read for Drops<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let some = into.len().min(1);
        self.0.read(&mut into[..some])
    }
}

#[test]
fn what_is_written_comes_back() {
    for seed in 0..4 {
        let test = filled(seed, 2000);
        let bytes = written(&test);
        let (copy, summary) = loaded(&bytes).unwrap();
        assert!(summary.keys > 20, "{summary:?}");
        assert_eq!(digest(&copy), digest(&test), "seed {seed}");
        let by_drops = TestEngine::new(1);
        allow_debug(&by_drops);
        let options = ReadOptions::of(&by_drops.engine);
        assert_eq!(load(&mut Drops(&bytes), &by_drops.engine, options).unwrap(), summary);
        assert_eq!(digest(&by_drops), digest(&test));
    }
}

/// A file must be whole to be believed, wherever it is cut.
#[test]
fn a_file_that_is_cut_off_is_refused() {
    let bytes = written(&filled(1, 25));
    for len in 0..bytes.len() {
        let error = loaded(&bytes[..len]).map(drop).unwrap_err();
        assert!(len < 9 || error.is_truncation(), "{len}: {error}");
    }
    let (_, summary) = loaded(&[&bytes[..], b"more"].concat()).unwrap();
    assert_eq!(summary.rest, b"more");
}

/// Any change of a byte is noticed by the checksum; without it nothing panics, and memory stays in
/// bounds.
#[test]
fn a_damaged_file_is_refused_and_never_panics() {
    let mut random = fastrand::Rng::with_seed(3);
    let bytes = written(&filled(2, 200));
    for _ in 0..1000 {
        let mut damaged = bytes.clone();
        for _ in 0..random.usize(1..4) {
            let at = random.usize(..damaged.len() - 8);
            damaged[at] = if random.bool() { random.u8(..) } else { damaged[at] ^ 1 };
        }
        if damaged != bytes {
            assert!(loaded(&damaged).is_err());
        }
        let test = TestEngine::new(1);
        let options = ReadOptions { any_checksum: true, ..ReadOptions::of(&test.engine) };
        let _ = load(&mut &*damaged, &test.engine, options);
    }
}

/// A file put together by hand.
fn file(version: &str, body: &[&[u8]]) -> Vec<u8> {
    let mut bytes = version.as_bytes().to_vec();
    body.iter().for_each(|part| bytes.extend_from_slice(part));
    bytes.push(opcode::END);
    if version > "REDIS0004" {
        bytes.extend_from_slice(&larder_codec::crc64::of(&bytes).to_le_bytes());
    }
    bytes
}

fn ask(test: &TestEngine, db: u8, line: &str) -> String {
    let (mut session, _mailbox) = test.session();
    session.select(db);
    String::from_utf8_lossy(&send(&mut session, line)).replace("\r\n", " ")
}

#[test]
fn files_of_all_times_are_read() {
    let far_s = (START_MS / 1000 + 50) as i32;
    let old = file(
        "REDIS0001",
        &[
            &[opcode::SELECT_DB, 2, opcode::EXPIRE],
            &far_s.to_le_bytes(),
            b"\x00\x01k\x01v",
            b"\x01\x01l\x02\x01a\xc0\x07",
            b"\x03\x01z\x01\x01m\x031.5",
            // A zipmap of one field: number, length and name, length, free bytes and value, end.
            b"\x09\x01h\x07\x01\x01f\x01\x00v\xff",
        ],
    );
    let (test, summary) = loaded(&old).unwrap();
    assert_eq!((summary.version, summary.keys), (1, 4));
    assert_eq!(ask(&test, 0, "DBSIZE"), ":0 ");
    assert_eq!(ask(&test, 2, "EXPIRETIME k"), format!(":{far_s} "));
    assert_eq!(ask(&test, 2, "LRANGE l 0 -1"), "*2 $1 a $1 7 ");
    assert_eq!(ask(&test, 2, "ZSCORE z m"), "$3 1.5 ");
    assert_eq!(ask(&test, 2, "HGET h f"), "$1 v ");
}

#[test]
fn what_stands_beside_keys_is_read() {
    let soon_ms = (START_MS + 700) as i64;
    let bytes = file(
        "REDIS0009",
        &[
            b"\xfa\x09redis-ver\x055.0.1\xfa\x03lua\x08return 1",
            &[opcode::SELECT_DB, 0, opcode::RESIZE_DB, 2, 1, opcode::EXPIRE_MS],
            &soon_ms.to_le_bytes(),
            &[opcode::FREQ, 9],
            b"\x00\x01k\x01v",
            &[opcode::IDLE, 0x40, 0x80],
            b"\x00\x01i\xc1\x00\x01",
            &[opcode::SLOT_INFO, 1, 2, 3, opcode::FUNCTION],
            b"\x05#!lua",
        ],
    );
    let (test, summary) = loaded(&bytes).unwrap();
    assert_eq!((summary.keys, summary.functions), (2, 1));
    assert_eq!(ask(&test, 0, "PEXPIRETIME k"), format!(":{soon_ms} "));
    assert_eq!(ask(&test, 0, "OBJECT IDLETIME i"), ":128 ");
    assert_eq!(ask(&test, 0, "GET i"), "$3 256 ");
    assert_eq!(test.engine.libraries(), [b"#!lua".to_vec()]);
    let kept = written(&test).windows(7).any(|part| part == b"\xf5\x05#!lua");
    assert!(kept, "a library of functions goes into the next file");
}

#[test]
fn what_is_due_and_what_is_empty_is_left_out() {
    let due_ms = START_MS as i64 - 1;
    let body: [&[u8]; 4] = [
        &[opcode::EXPIRE_MS],
        &due_ms.to_le_bytes(),
        b"\x00\x01k\x01v",
        b"\x02\x01e\x00\x00\x01o\x01v",
    ];
    let (test, summary) = loaded(&file("REDIS0010", &body)).unwrap();
    assert_eq!((summary.keys, summary.expired, summary.empty), (1, 1, 1));
    assert_eq!(ask(&test, 0, "KEYS *"), "*1 $1 o ");
}

#[test]
fn what_cannot_be_is_refused_with_its_place() {
    let refusal = |bytes: &[u8]| loaded(bytes).map(drop).unwrap_err().to_string();
    let one = |body: &[u8]| refusal(&file("REDIS0010", &[body]));
    let unknown = "a value of the unknown form 99 at byte 12, in the value of 'k'";
    assert_eq!(one(b"\x63\x01k\x01v"), unknown);
    assert_eq!(one(b"\xfe\x10"), "database 16, of which there are 16 at byte 11");
    assert!(one(b"\x00\x01k\x01v\x00\x01k\x01v").starts_with("a key that is there already"));
    assert!(one(b"\x02\x01s\x02\x01a\x01a").starts_with("a member that comes twice"));
    assert!(refusal(b"GIF89a").starts_with("not a snapshot file"));
    assert!(refusal(&file("REDIS0013", &[])).contains("version 13"));
    assert!(refusal(&file("VALKEY011", &[])).contains("version 11"));
    let mut wrong = file("REDIS0010", &[b"\x00\x01k\x01v"]);
    *wrong.last_mut().unwrap() ^= 1;
    assert!(refusal(&wrong).starts_with("its checksum is wrong"));
    wrong.truncate(wrong.len() - 8);
    wrong.extend_from_slice(&[0; 8]);
    assert!(loaded(&wrong).is_ok(), "zero stands for no checksum");
}

#[test]
fn data_of_modules_is_refused_by_name_or_passed_over() {
    // The type's letters, six bits each, and a version of its encoding.
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let at = |letter: &u8| letters.iter().position(|other| other == letter).unwrap() as u64;
    let id = b"ReJSON-RL".iter().fold(0, |id, letter| id << 6 | at(letter)) << 10 | 3;
    let id = [&[0x81][..], &id.to_be_bytes()].concat();
    // A number, a string, a float, a double, a number; the end.
    let value = b"\x02\x07\x05\x03abc\x03abcd\x04abcdefgh\x01\x05\x00";
    let aux = [&[opcode::MODULE_AUX], &id[..], b"\x02\x01\x02\x01\x00"].concat();
    let body: [&[u8]; 5] = [&aux, b"\x07\x01j", &id, value, b"\x00\x01k\x01v"];
    let refused = |body: &[&[u8]]| loaded(&file("REDIS0010", body)).map(drop).unwrap_err();
    let text = "it holds data of the module type 'ReJSON-RL', which only that module can read";
    assert_eq!(refused(&body).to_string(), text);
    assert!(refused(&body[1..]).to_string().contains("'ReJSON-RL' (key 'j')"));
    let test = TestEngine::new(1);
    let options = ReadOptions { skip_modules: true, ..ReadOptions::of(&test.engine) };
    let summary = load(&mut &*file("REDIS0010", &body), &test.engine, options).unwrap();
    assert_eq!((summary.keys, summary.modules), (1, 2));
    assert_eq!(ask(&test, 0, "GET k"), "$1 v ");
}

#[test]
fn deadlines_of_fields_ask_for_a_version_that_can_hold_them() {
    let test = TestEngine::new(1);
    allow_debug(&test);
    assert_eq!(ask(&test, 0, "HSET h f v g w"), ":2 ");
    assert!(written(&test).starts_with(b"REDIS0010"));
    assert_eq!(ask(&test, 0, "HEXPIRE h 100 FIELDS 1 f"), "*1 :1 ");
    for (version, magic) in
        [("auto", &b"REDIS0012"[..]), ("12", b"REDIS0012"), ("valkey80", b"VALKEY080")]
    {
        test.engine.config().set("rdb-save-version", &[version.as_bytes()]).unwrap();
        let bytes = written(&test);
        assert!(bytes.starts_with(magic));
        let (copy, _) = loaded(&bytes).unwrap();
        assert_eq!(ask(&copy, 0, "HTTL h FIELDS 2 f g"), "*2 :100 :-1 ");
    }
    test.engine.config().set("rdb-save-version", &[b"11"]).unwrap();
    let mut snapshot = test.engine.begin_snapshot().unwrap();
    let mut bytes = Vec::new();
    let options = WriteOptions::of(test.engine.config());
    let refused = write(&mut snapshot, &mut bytes, &options).unwrap_err().to_string();
    assert!(refused.contains("version 11") && refused.contains("rdb-save-version"), "{refused}");
    assert!(bytes.is_empty());
}

/// A value larger than what is handed on at once leaves in pieces.
#[test]
fn a_large_value_is_written_in_pieces() {
    struct Largest(usize);
    impl std::io::Write for Largest {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 = self.0.max(bytes.len());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let test = TestEngine::new(1);
    let (mut session, _mailbox) = test.session();
    for n in 0..40_000u32 {
        send(&mut session, &format!("HSET h field:{n} {}", n.wrapping_mul(0x9e37_79b9)));
    }
    let mut largest = Largest(0);
    let mut snapshot = test.engine.begin_snapshot().unwrap();
    let options = WriteOptions::of(test.engine.config());
    let told = write(&mut snapshot, &mut largest, &options).unwrap();
    assert!(told.bytes > 500_000 && largest.0 < 300_000, "{told:?}, {} at once", largest.0);
}

#[test]
fn anything_can_be_a_sink() {
    struct Names(Vec<String>);
    impl Sink for Names {
        fn entry(&mut self, entry: SavedEntry) -> Result<(), Error> {
            assert_eq!(entry.uses, Uses::Untold);
            self.0.push(String::from_utf8_lossy(&entry.key).into_owned());
            Ok(())
        }
        fn aux(&mut self, name: &[u8], value: &[u8]) {
            self.0.push(format!("{}={}", name.escape_ascii(), value.escape_ascii()));
        }
    }
    let bytes = file("REDIS0010", &[b"\xfa\x01a\x01b", b"\x00\x01k\x01v"]);
    let test = TestEngine::new(1);
    let mut names = Names(Vec::new());
    read(&mut &*bytes, &mut names, ReadOptions::of(&test.engine)).unwrap();
    assert_eq!(names.0, ["a=b", "k"]);
}
