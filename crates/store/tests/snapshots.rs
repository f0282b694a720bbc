//! When snapshots are saved, what a disk that fails or is slow does to whom, and how it is told.

use larder_engine::clock::FakeClock;
use larder_engine::testing::{TestEngine, send};
use larder_engine::{Durability, Shutdown};
use larder_store::disk::{Disk, File, Mapping, RealDisk};
use larder_store::report::Report;
use larder_store::{Store, StoreOptions};
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};

const START_MS: u64 = 1_700_000_000_000;

/// The real disk, unless it is full, or stands still.
#[derive(Debug, Default)]
struct Moody {
    full: AtomicBool,
    still: Mutex<bool>,
    moves: Condvar,
}

impl Moody {
    fn set_still(&self, still: bool) {
        *self.still.lock().unwrap() = still;
        self.moves.notify_all();
    }

    fn pass(&self) -> io::Result<()> {
        drop(self.moves.wait_while(self.still.lock().unwrap(), |still| *still).unwrap());
        if self.full.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }
}

#[derive(Debug)]
struct MoodyDisk(Arc<Moody>);

#[derive(Debug)]
struct MoodyFile(Box<dyn File>, Arc<Moody>);

impl Write for MoodyFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.1.pass()?;
        self.0.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl File for MoodyFile {
    fn sync(&mut self) -> io::Result<()> {
        self.1.pass()?;
        self.0.sync()
    }
}

impl Disk for MoodyDisk {
    fn boot(&self) -> Option<u128> {
        RealDisk.boot()
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn File>> {
        Ok(Box::new(MoodyFile(RealDisk.create(path)?, self.0.clone())))
    }
    fn append(&self, path: &Path) -> io::Result<Box<dyn File>> {
        RealDisk.append(path)
    }
    fn read(&self, path: &Path) -> io::Result<(Box<dyn Read + Send>, u64)> {
        RealDisk.read(path)
    }
    fn cut(&self, path: &Path, size: u64) -> io::Result<()> {
        RealDisk.cut(path, size)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove(path)
    }
    fn list(&self, folder: &Path) -> io::Result<Vec<std::ffi::OsString>> {
        RealDisk.list(folder)
    }
    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        RealDisk.create_folder(folder)
    }
    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        RealDisk.sync_folder(folder)
    }
    fn map(&self, path: &Path, bytes: usize) -> io::Result<Box<dyn Mapping>> {
        RealDisk.map(path, bytes)
    }
}

#[derive(Debug, Default)]
struct Lines(Mutex<Vec<String>>);

impl Report for Lines {
    fn notice(&self, line: &str) {
        self.0.lock().unwrap().push(line.to_owned());
    }
    fn warning(&self, line: &str) {
        self.notice(line);
    }
}

/// An engine with a store in a folder.
struct Place {
    test: TestEngine,
    store: Arc<Store>,
    disk: Arc<Moody>,
    lines: Arc<Lines>,
    folder: tempfile::TempDir,
}

impl Place {
    fn new(save: &str) -> Place {
        Place::in_folder(tempfile::tempdir().unwrap(), save)
    }

    fn in_folder(folder: tempfile::TempDir, save: &str) -> Place {
        let test = TestEngine::with_clock(4, Arc::new(FakeClock::new(START_MS)));
        let config = test.engine.config();
        config.set("dir", &[folder.path().to_str().unwrap().as_bytes()]).unwrap();
        config.set("enable-debug-command", &[b"yes"]).unwrap();
        let words: Vec<&[u8]> = save.split(' ').map(str::as_bytes).collect();
        config.set("save", &words).unwrap();
        let (disk, lines) = (Arc::new(Moody::default()), Arc::new(Lines::default()));
        let options = StoreOptions {
            disk: Arc::new(MoodyDisk(disk.clone())),
            report: lines.clone(),
            save_at_end: false,
        };
        let store = Store::open(&test.engine, options).unwrap();
        Place { test, store, disk, lines, folder }
    }

    fn ask(&self, line: &str) -> String {
        let (mut session, _mailbox) = self.test.session();
        String::from_utf8_lossy(&send(&mut session, line)).trim_end().to_owned()
    }

    fn info(&self, name: &str) -> String {
        let told = self.ask("INFO persistence");
        let line = told.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.unwrap_or_else(|| panic!("{name} in {told}")).to_owned()
    }

    /// So much later, what is due is done to its end.
    fn after_ms(&self, ms: u64) {
        self.test.clock.advance_ms(ms);
        self.store.snapshots().tick();
        assert!(self.store.snapshots().await_end());
    }

    fn said(&self, part: &str) -> bool {
        self.lines.0.lock().unwrap().iter().any(|line| line.contains(part))
    }

    /// Another engine, with what is in the folder.
    fn restarted(self) -> Place {
        let Place { folder, store, test, .. } = self;
        drop((store, test));
        let place = Place::in_folder(folder, "");
        place.store.load(&mut |_, _| {}).unwrap();
        place
    }
}

#[test]
fn save_and_bgsave_leave_a_file_that_comes_back() {
    let place = Place::new("");
    assert_eq!(place.ask("SET a 1"), "+OK");
    assert_eq!(place.info("rdb_changes_since_last_save"), "1");
    assert_eq!(place.ask("LASTSAVE"), format!(":{}", START_MS / 1000));
    place.test.clock.advance_ms(5000);
    assert_eq!(place.ask("SAVE"), "+OK");
    assert_eq!(place.info("rdb_changes_since_last_save"), "0");
    assert_eq!(place.ask("LASTSAVE"), format!(":{}", START_MS / 1000 + 5));
    assert_eq!(place.ask("SET b 2"), "+OK");
    assert_eq!(place.ask("BGSAVE"), "+Background saving started");
    assert_eq!(place.ask("SET c 3"), "+OK");
    assert!(place.store.snapshots().await_end());
    assert_eq!(place.info("rdb_saves"), "2");
    assert_eq!(place.info("rdb_changes_since_last_save"), "1", "what came after the mark");
    let again = place.restarted();
    assert_eq!(again.ask("MGET a b c"), "*3\r\n$1\r\n1\r\n$1\r\n2\r\n$-1");
    assert_eq!(again.info("rdb_last_load_keys_loaded"), "2");
    assert_eq!(again.info("rdb_changes_since_last_save"), "0");
}

#[test]
fn save_points_count_changes_and_seconds() {
    let place = Place::new("60 3 900 1");
    for n in 0..2 {
        assert_eq!(place.ask(&format!("SET k{n} v")), "+OK");
    }
    place.after_ms(61_000);
    assert_eq!(place.info("rdb_saves"), "0", "too few for the first point");
    assert_eq!(place.ask("SET another v"), "+OK");
    place.after_ms(1);
    assert_eq!(place.info("rdb_saves"), "1");
    assert!(place.said("3 changes in 60 seconds. Saving..."));
    place.after_ms(901_000);
    assert_eq!(place.info("rdb_saves"), "1", "nothing has changed");
    assert_eq!(place.ask("DEL another"), ":1");
    place.after_ms(1);
    assert_eq!(place.info("rdb_saves"), "2");
}

#[test]
fn a_full_disk_refuses_writes_until_a_save_succeeds() {
    let place = Place::new("60 1");
    assert_eq!(place.ask("SET k v"), "+OK");
    place.disk.full.store(true, Ordering::SeqCst);
    assert_eq!(place.ask("SAVE"), "-ERR");
    assert_eq!(place.ask("SET k w"), "+OK", "who called SAVE has heard of it");
    place.after_ms(61_000);
    assert_eq!(place.info("rdb_last_bgsave_status"), "err");
    assert!(place.ask("SET k x").starts_with("-MISCONF Redis is configured to save RDB snap"));
    assert!(place.ask("PING").starts_with("-MISCONF"));
    assert_eq!(place.ask("GET k"), "$1\r\nw");
    let names = RealDisk.list(place.folder.path()).unwrap();
    assert!(names.is_empty(), "no half of a file is left: {names:?}");
    assert!(place.said("Background saving error: "));
    assert_eq!(place.ask("CONFIG SET stop-writes-on-bgsave-error no"), "+OK");
    assert_eq!(place.ask("SET k y"), "+OK");
    assert_eq!(place.ask("CONFIG SET stop-writes-on-bgsave-error yes"), "+OK");
    assert!(place.ask("SET k z").starts_with("-MISCONF"));
    place.disk.full.store(false, Ordering::SeqCst);
    place.after_ms(1_000);
    assert_eq!(place.info("rdb_last_bgsave_status"), "err", "not at once after a failure");
    place.after_ms(5_000);
    assert_eq!(place.info("rdb_last_bgsave_status"), "ok");
    assert_eq!(place.ask("SET k z"), "+OK");
}

#[test]
fn one_save_at_a_time_and_it_can_be_called_off() {
    let place = Place::new("");
    assert_eq!(place.ask("SET k v"), "+OK");
    let none = "-ERR Background saving is currently not in progress or scheduled";
    assert_eq!(place.ask("BGSAVE CANCEL"), none);
    place.disk.set_still(true);
    assert_eq!(place.ask("BGSAVE"), "+Background saving started");
    assert_eq!(place.info("rdb_bgsave_in_progress"), "1");
    assert_eq!(place.info("current_save_keys_total"), "1");
    assert_eq!(place.ask("BGSAVE"), "-ERR Background save already in progress");
    assert_eq!(place.ask("SAVE"), "-ERR Background save already in progress");
    assert_eq!(place.ask("BGSAVE CANCEL"), "+Background saving cancelled");
    place.disk.set_still(false);
    assert!(place.store.snapshots().await_end());
    assert_eq!(place.info("rdb_bgsave_in_progress"), "0");
    assert_eq!(place.info("rdb_last_bgsave_status"), "ok");
    assert_eq!(place.ask("BGSAVE SCHEDULE"), "+Background saving started");
    assert!(place.store.snapshots().await_end());
    assert_eq!(place.ask("BGSAVE NOW"), "-ERR syntax error");
}

/// An engine whose snapshot is another's business: a rewrite of its log, say.
#[test]
fn a_save_can_wait_for_another_snapshot() {
    let place = Place::new("");
    assert_eq!(place.ask("SET k v"), "+OK");
    let other = place.test.engine.begin_snapshot().unwrap();
    assert!(place.ask("BGSAVE").starts_with("-ERR Another child process is active (AOF?)"));
    assert_eq!(place.ask("BGSAVE SCHEDULE"), "+Background saving scheduled");
    place.after_ms(100);
    assert_eq!(place.info("rdb_saves"), "0");
    drop(other);
    place.after_ms(100);
    assert_eq!(place.info("rdb_saves"), "1");
    place.after_ms(100);
    assert_eq!(place.info("rdb_saves"), "1", "once");
}

#[test]
fn flushall_gives_up_a_save_and_empties_the_file() {
    let place = Place::new("900 1");
    for n in 0..5000 {
        assert_eq!(place.ask(&format!("SET key:{n} value")), "+OK");
    }
    assert_eq!(place.ask("SAVE"), "+OK");
    place.disk.set_still(true);
    assert_eq!(place.ask("BGSAVE"), "+Background saving started");
    std::thread::scope(|scope| {
        let flush = scope.spawn(|| place.ask("FLUSHALL"));
        while !place.said("FLUSHALL: ") {
            std::thread::yield_now();
        }
        place.disk.set_still(false);
        assert_eq!(flush.join().unwrap(), "+OK");
    });
    assert_eq!(place.info("rdb_bgsave_in_progress"), "0");
    assert_eq!(place.info("rdb_changes_since_last_save"), "0");
    let again = place.restarted();
    assert_eq!(again.ask("DBSIZE"), ":0");
}

/// A disk that stands still holds up the snapshot, then writers whose old values nobody takes, and
/// then the snapshot is given up; never readers, and never more memory than was promised.
#[test]
fn a_disk_that_stands_still_costs_bounded_memory() {
    let place = Place::new("");
    let most = larder_engine::keyspace::snapshot::MOST_BYTES;
    let value = "v".repeat(1 << 20);
    let keys = (3 * most) >> 20;
    for n in 0..keys {
        assert_eq!(place.ask(&format!("SET key:{n} {n}{value}")), "+OK");
    }
    place.disk.set_still(true);
    assert_eq!(place.ask("BGSAVE"), "+Background saving started");
    let written = std::sync::atomic::AtomicU64::new(0);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for n in 0..keys {
                assert_eq!(place.ask(&format!("APPEND key:{n} x")).as_bytes()[0], b':');
                written.fetch_add(1, Ordering::SeqCst);
            }
        });
        let is_held_up = || place.test.engine.snapshot_bytes() > most;
        while !is_held_up() {
            assert!(!writer.is_finished(), "nothing has held it up");
            std::thread::yield_now();
        }
        assert!(place.test.engine.snapshot_bytes() <= most + (2 << 20));
        assert!(written.load(Ordering::SeqCst) < keys);
        assert_eq!(place.ask("STRLEN key:0").as_bytes()[0], b':', "readers go on");
        // The moment from which the wait counts is noted by the writer itself.
        while !writer.is_finished() {
            place.test.clock.advance_ms(11_000);
            place.store.snapshots().tick();
            std::thread::yield_now();
        }
        writer.join().unwrap();
    });
    assert!(place.test.engine.snapshot_bytes() < 2 << 20, "what the saver has in hand");
    place.disk.set_still(false);
    assert!(place.store.snapshots().await_end());
    assert_eq!(place.info("rdb_last_bgsave_status"), "err");
    assert!(place.said("the disk was too slow for 10 seconds"));
    assert_eq!(place.ask("SAVE"), "+OK");
    assert_eq!(place.restarted().ask("DBSIZE"), format!(":{keys}"));
}

#[test]
fn the_end_saves_as_the_settings_or_the_words_say() {
    let end = |save: &str, how: Shutdown| {
        let place = Place::new(save);
        assert_eq!(place.ask("SET k v"), "+OK");
        place.store.shut_down(how).unwrap();
        place.folder.path().join("dump.rdb").exists()
    };
    let how = |save| Shutdown { save, ..Shutdown::default() };
    assert!(!end("", how(None)));
    assert!(end("900 1", how(None)));
    assert!(end("", how(Some(true))));
    assert!(!end("900 1", how(Some(false))));

    let place = Place::new("900 1");
    assert_eq!(place.ask("SET k v"), "+OK");
    place.disk.full.store(true, Ordering::SeqCst);
    let refused = place.store.shut_down(how(None)).unwrap_err();
    assert_eq!(refused, "Errors trying to SHUTDOWN. Check logs.");
    assert_eq!(place.ask("SET k w"), "+OK", "it goes on");
    place.store.shut_down(Shutdown { force: true, ..how(None) }).unwrap();
}

#[test]
fn reload_goes_through_the_file() {
    let place = Place::new("");
    for line in ["SET s 1 PX 5000", "RPUSH l a b", "HSET h f v", "XADD x 1-1 f v", "ZADD z 1 m"] {
        assert!(!place.ask(line).starts_with('-'));
    }
    let before = place.ask("DEBUG DIGEST");
    assert_eq!(place.ask("DEBUG RELOAD"), "+OK");
    assert_eq!(place.ask("DEBUG DIGEST"), before);
    assert!(place.folder.path().join("dump.rdb").exists());
    assert_eq!(place.ask("SET more 1"), "+OK");
    assert_eq!(place.ask("DEBUG RELOAD NOSAVE"), "+OK");
    assert_eq!(place.ask("DEBUG DIGEST"), before);
    place.disk.full.store(true, Ordering::SeqCst);
    assert_eq!(place.ask("DEBUG RELOAD"), "-ERR");
    assert_eq!(place.ask("DEBUG DIGEST"), before);
}

#[test]
fn while_data_is_loaded_only_some_commands_run() {
    let place = Place::new("");
    place.test.engine.set_loading(true);
    assert_eq!(place.ask("GET k"), "-LOADING Redis is loading the dataset in memory");
    assert_eq!(place.ask("CONFIG SET appendonly yes").split(' ').next(), Some("-LOADING"));
    assert_eq!(place.info("loading"), "1");
    assert_eq!(place.ask("LASTSAVE").as_bytes()[0], b':');
    place.test.engine.set_loading(false);
    assert_eq!(place.ask("GET k"), "$-1");
}
