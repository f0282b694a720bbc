//! The append-only log: Redis 7's folder of a base, increments and a manifest.
//!
//! | module | subject |
//! |---|---|
//! | this | turning it on and off; the thread; what others ask of it |
//! | [`writer`] | frames become bytes, replies are released |
//! | [`encode`] | a frame's bytes |
//! | [`rewrite`] | a new base, so that the log begins anew |
//! | [`commands`] | a base as commands |
//! | [`load`], [`replay`] | the log at a start, and one file of it |
//! | [`recover`] | what a ring that was left behind adds |
//! | [`folder`], [`manifest`] | names, and which files are the log |
//! | [`figures`] | what INFO tells |
//!
//! The thread takes what is in the ring every so often; it is woken when the ring fills, when a
//! payload went by reference, and by loops that hold replies back. A linked caller that waits for
//! its reply does the work itself, for all who wait.

pub mod commands;
pub mod encode;
pub mod figures;
pub mod folder;
pub mod load;
pub mod manifest;
pub mod recover;
pub mod replay;
mod rewrite;
pub mod writer;

use crate::report::Report;
use crate::ring::RingFile;
use figures::Figures;
use folder::Folder;
use larder_engine::config::{AppendFsync, Id};
use larder_engine::log::frame::mix;
use larder_engine::log::{DEFAULT_RING_BYTES, Position, Reader};
use larder_engine::{Engine, Error};
use load::Loaded;
use manifest::{Manifest, Part};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::Duration;
use writer::{SYNC_EVERY_US, Start, Writer, plain};

/// The log's thread looks at least this often while writes come in.
const BEAT: Duration = Duration::from_micros(SYNC_EVERY_US / 4);

/// And this often while it cannot write.
const RETRY: Duration = Duration::from_millis(100);

/// A rewrite that failed and is needed is tried again after so many beats, more after each failure.
const REWRITE_RETRY_BEATS: u64 = 10;

const IN_PROGRESS: Error =
    Error::text("ERR Background append only file rewriting already in progress");

/// The log of an engine.
#[derive(Debug)]
pub struct Aof {
    engine: Weak<Engine>,
    folder: Mutex<Folder>,
    report: Arc<dyn Report>,
    figures: Arc<Figures>,
    manifest: Mutex<Manifest>,
    writer: Mutex<Option<Writer>>,
    /// The ring's file, while nobody writes.
    ring: Mutex<Option<RingFile>>,
    bell: Arc<Bell>,
    ring_bytes: AtomicUsize,
    thread: Mutex<Option<JoinHandle<()>>>,
    rewriter: Mutex<Option<JoinHandle<()>>>,
}

/// Wakes the log's thread.
#[derive(Debug, Default)]
struct Bell {
    rung: AtomicBool,
    closing: AtomicBool,
    lock: Mutex<()>,
    wake: Condvar,
}

impl Bell {
    fn ring(&self) {
        if !self.rung.swap(true, Ordering::SeqCst) {
            let _guard = lock(&self.lock);
            self.wake.notify_one();
        }
    }

    fn sleep(&self, longest: Duration) {
        let guard = lock(&self.lock);
        let waited = self.wake.wait_timeout_while(guard, longest, |()| {
            !self.rung.load(Ordering::SeqCst) && !self.closing.load(Ordering::SeqCst)
        });
        drop(waited.unwrap_or_else(PoisonError::into_inner));
        self.rung.store(false, Ordering::SeqCst);
    }
}

/// What the engine's log knows of its reader: it must not keep the log's owner alive.
struct Attendant(Weak<Aof>);

impl Reader for Attendant {
    fn wake(&self) {
        if let Some(aof) = self.0.upgrade() {
            aof.bell.ring();
        }
    }

    fn wait(&self, position: Position) {
        match self.0.upgrade() {
            Some(aof) => aof.write_up_to(position),
            None => std::thread::yield_now(),
        }
    }
}

impl Aof {
    /// The log of an engine, which is off.
    #[must_use]
    pub fn new(engine: &Arc<Engine>, folder: Folder, report: Arc<dyn Report>) -> Arc<Aof> {
        Arc::new(Aof {
            engine: Arc::downgrade(engine),
            folder: Mutex::new(folder),
            report,
            figures: Arc::default(),
            manifest: Mutex::default(),
            writer: Mutex::default(),
            ring: Mutex::default(),
            bell: Arc::default(),
            ring_bytes: AtomicUsize::new(DEFAULT_RING_BYTES),
            thread: Mutex::default(),
            rewriter: Mutex::default(),
        })
    }

    /// Begins to write, at a start: after what was loaded, or with a base of what the engine holds.
    ///
    /// # Errors
    /// What the disk says; the files that were there are as they were, or recovered.
    pub fn start(&self, loaded: Option<Loaded>) -> Result<(), String> {
        let Some(engine) = self.engine.upgrade() else { return Ok(()) };
        let folder = self.folder();
        let prepared = folder
            .disk
            .create_folder(&folder.path)
            .and_then(|()| folder.disk.sync_folder(&folder.data));
        prepared.map_err(|error| format!("{}: {}", folder.path.display(), plain(&error)))?;
        let begun = match loaded {
            Some(loaded) => self.go_on(&engine, loaded),
            None => self.begin(&engine),
        };
        begun.map_err(|error| format!("{}: {}", folder.path.display(), plain(&error)))?;
        engine.log().set_on(true);
        self.figures.on.store(true, Ordering::SeqCst);
        self.measure();
        Ok(())
    }

    /// A log where none was: its base is what the engine holds.
    fn begin(&self, engine: &Arc<Engine>) -> io::Result<()> {
        *self.manifest() = Manifest::default();
        self.rewrite_now(engine, true).map_err(|failure| io::Error::other(failure.to_string()))
    }

    /// Does what recovery has found, and opens the last increment.
    fn go_on(&self, engine: &Arc<Engine>, loaded: Loaded) -> io::Result<()> {
        let folder = self.folder();
        let Loaded { mut manifest, additions, single, .. } = loaded;
        for addition in &additions {
            let part = match addition.increment {
                0 => manifest.base.as_ref(),
                seq => manifest.increment(seq),
            };
            let Some(part) = part else { continue };
            let at_base = addition.increment == 0 && single;
            let path = if at_base { folder.single_path() } else { folder.part_path(part) };
            if folder.disk.read(&path)?.1 > addition.keep {
                folder.disk.cut(&path, addition.keep)?;
            }
            let mut file = folder.disk.append(&path)?;
            file.write_all(&addition.bytes)?;
            // Also where nothing is added: the last bytes were perhaps never synced.
            file.sync()?;
        }
        if single {
            folder.write_manifest(&manifest)?;
            if let Some(base) = &manifest.base {
                folder.disk.rename(&folder.single_path(), &folder.part_path(base))?;
            }
            folder.disk.sync_folder(&folder.path)?;
            folder.disk.sync_folder(&folder.data)?;
        }
        if manifest.increments.is_empty() {
            let part = folder.increment(manifest.next_increment());
            folder.disk.create(&folder.part_path(&part))?.sync()?;
            folder.disk.sync_folder(&folder.path)?;
            manifest.increments.push(part);
            folder.write_manifest(&manifest)?;
        }
        let last = manifest.increments.last().cloned();
        *self.manifest() = manifest;
        if let Some(part) = last {
            let size = folder.size_of(&part)?.unwrap_or(0);
            folder.disk.append(&folder.part_path(&part))?.sync()?;
            self.begin_writer(engine, part, size, false)?;
        }
        self.remove_history();
        Ok(())
    }

    /// Makes a writer, and the ring if there is none.
    fn begin_writer(
        &self,
        engine: &Arc<Engine>,
        part: Part,
        size: u64,
        from_mark: bool,
    ) -> io::Result<()> {
        let folder = self.folder();
        let log = engine.log();
        let mut ring = lock(&self.ring).take();
        if !log.has_ring() {
            ring = self.make_ring(engine, &folder);
        }
        let mapped = ring.is_some();
        let told = (self.figures.clone(), self.report.clone());
        let start = Start { part, size, from_mark };
        let writer = Writer::open(folder, engine.clone(), ring, told, start)?;
        *lock(&self.writer) = Some(writer);
        match (engine.config().appendfsync(), mapped) {
            (AppendFsync::Always, _) | (_, false) => log.release(log.read_position()),
            _ => log.release_but_referenced(),
        }
        Ok(())
    }

    /// The ring, mapped if that can be.
    fn make_ring(&self, engine: &Engine, folder: &Folder) -> Option<RingFile> {
        let id = engine.run_id().bytes().fold(engine.now_us(), |key, byte| mix(key, byte.into()));
        let made = RingFile::create(
            &*folder.disk,
            &folder.ring_path(),
            self.ring_bytes.load(Ordering::Relaxed),
            id,
        );
        match made {
            Ok(ring) => {
                engine.log().lend(ring.memory());
                Some(ring)
            }
            Err(error) => {
                self.report.warning(&format!(
                    "{} cannot be mapped ({}): every write goes to the log's file before its reply",
                    folder.ring_path().display(),
                    plain(&error)
                ));
                engine.log().listen();
                None
            }
        }
    }

    /// Starts the thread.
    ///
    /// # Errors
    /// When the system gives none.
    pub fn run(self: &Arc<Self>) -> io::Result<()> {
        let Some(engine) = self.engine.upgrade() else { return Ok(()) };
        engine.log().attend(Arc::new(Attendant(Arc::downgrade(self))));
        let (weak, bell, figures) = (Arc::downgrade(self), self.bell.clone(), self.figures.clone());
        let thread =
            std::thread::Builder::new().name("larder-log".to_owned()).spawn(move || {
                let mut beats = 0;
                while !bell.closing.load(Ordering::SeqCst) {
                    let failing = figures.failing.load(Ordering::Relaxed);
                    bell.sleep(if failing { RETRY } else { BEAT });
                    beats += 1;
                    match weak.upgrade() {
                        Some(aof) => aof.beat(beats),
                        None => return,
                    }
                }
            })?;
        *lock(&self.thread) = Some(thread);
        Ok(())
    }

    /// A ring of another size, a power of two; before the first start.
    #[doc(hidden)]
    pub fn use_ring_of(&self, bytes: usize) {
        self.ring_bytes.store(bytes, Ordering::Relaxed);
    }

    /// What the thread does, on the caller's: for tests without threads.
    #[doc(hidden)]
    pub fn pass(&self) {
        self.with_writer(|writer| writer.pass(false));
    }

    /// A rewrite on the caller's thread; whether it succeeded.
    #[doc(hidden)]
    pub fn rewrite_here(&self) -> bool {
        let Some(engine) = self.engine.upgrade() else { return false };
        let done = self.rewrite_now(&engine, false);
        let succeeded = done.is_ok();
        self.end_rewrite(&engine, false, done);
        succeeded
    }

    /// A round of the thread.
    fn beat(self: &Arc<Self>, beats: u64) {
        let needs_rewrite = self.with_writer(|writer| {
            writer.pass(false);
            writer.needs_rewrite()
        });
        let failures = self.figures.rewrite_failures.load(Ordering::Relaxed).min(6);
        let patience = REWRITE_RETRY_BEATS << failures;
        if needs_rewrite == Some(true) && beats.is_multiple_of(patience) || self.has_grown() {
            // One that runs is enough.
            let _ = self.rewrite();
        }
    }

    /// Whether the log has grown as far as the settings let it.
    fn has_grown(&self) -> bool {
        let Some(engine) = self.engine.upgrade() else { return false };
        let figures = &self.figures;
        let percent = engine.config().bytes(Id::AutoAofRewritePercentage);
        let current = figures.current_size.load(Ordering::Relaxed);
        let base = figures.base_size.load(Ordering::Relaxed).max(1);
        percent > 0
            && figures.on.load(Ordering::Relaxed)
            && figures.rewrite_failures.load(Ordering::Relaxed) == 0
            && current > engine.config().bytes(Id::AutoAofRewriteMinSize)
            && current.saturating_sub(base).saturating_mul(100) / base >= percent
    }

    /// Whether it is on.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.figures.on.load(Ordering::SeqCst)
    }

    /// Lines of INFO's section `persistence`.
    #[must_use]
    pub fn info(&self) -> Vec<(&'static str, String)> {
        let Some(engine) = self.engine.upgrade() else { return Vec::new() };
        let figures = &self.figures;
        let number = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
        let flag = |figure: &AtomicBool| figure.load(Ordering::Relaxed);
        let bit = |on: bool| if on { "1" } else { "0" }.to_owned();
        let word = |ok: bool| if ok { "ok" } else { "err" }.to_owned();
        let rewriting = flag(&figures.rewriting);
        let since_s = number(&figures.rewriting_since_s);
        let now_s = engine.now_us() / 1_000_000;
        let running_s = if rewriting { now_s.saturating_sub(since_s).cast_signed() } else { -1 };
        let mut lines = vec![
            ("aof_enabled", bit(self.is_on())),
            ("aof_rewrite_in_progress", bit(rewriting)),
            ("aof_rewrite_scheduled", bit(flag(&figures.scheduled))),
            (
                "aof_last_rewrite_time_sec",
                figures.last_rewrite_s.load(Ordering::Relaxed).to_string(),
            ),
            ("aof_current_rewrite_time_sec", running_s.to_string()),
            ("aof_last_bgrewrite_status", word(flag(&figures.last_rewrite_ok))),
            ("aof_rewrites", number(&figures.rewrites).to_string()),
            ("aof_rewrites_consecutive_failures", number(&figures.rewrite_failures).to_string()),
            ("aof_last_write_status", word(flag(&figures.last_write_ok))),
        ];
        if self.is_on() {
            lines.extend([
                ("aof_current_size", number(&figures.current_size).to_string()),
                ("aof_base_size", number(&figures.base_size).to_string()),
                ("aof_pending_rewrite", "0".to_owned()),
                ("aof_buffer_length", number(&figures.buffered).to_string()),
                ("aof_pending_bio_fsync", bit(engine.log().is_syncing())),
                ("aof_delayed_fsync", number(&figures.delayed).to_string()),
            ]);
        }
        lines
    }

    /// What is counted.
    #[must_use]
    pub fn figures(&self) -> &Figures {
        &self.figures
    }

    /// Writes, and syncs if replies wait for that, up to a position; whoever is there first does it
    /// for all.
    fn write_up_to(&self, position: Position) {
        let Some(engine) = self.engine.upgrade() else { return };
        let done = self.with_writer(|writer| {
            if engine.log().released() < position {
                writer.pass(false);
            }
        });
        if done.is_none() || engine.log().released() < position {
            // Somebody has taken a frame's place and not filled it yet.
            std::thread::yield_now();
        }
    }

    /// Begins a rewrite in a thread of its own.
    ///
    /// # Errors
    /// While one is running.
    pub fn rewrite(self: &Arc<Self>) -> Result<(), Error> {
        let Some(engine) = self.engine.upgrade() else { return Ok(()) };
        if self.is_closing() || self.figures.rewriting.swap(true, Ordering::SeqCst) {
            return Err(IN_PROGRESS);
        }
        let began_s = engine.now_us() / 1_000_000;
        self.figures.rewriting_since_s.store(began_s, Ordering::Relaxed);
        let aof = self.clone();
        let spawned =
            std::thread::Builder::new().name("larder-rewrite".to_owned()).spawn(move || {
                let begins = !aof.is_on();
                let done = aof.rewrite_now(&engine, begins);
                aof.end_rewrite(&engine, begins, done);
            });
        match spawned {
            Ok(thread) => *lock(&self.rewriter) = Some(thread),
            Err(error) => {
                self.figures.rewriting.store(false, Ordering::SeqCst);
                return Err(Error::owned(format!("ERR {}", plain(&error))));
            }
        }
        Ok(())
    }

    fn end_rewrite(&self, engine: &Engine, begins: bool, done: Result<(), rewrite::Failure>) {
        let figures = &self.figures;
        let began_s = figures.rewriting_since_s.load(Ordering::Relaxed);
        let took_s = (engine.now_us() / 1_000_000).saturating_sub(began_s);
        figures.last_rewrite_s.store(took_s.cast_signed(), Ordering::Relaxed);
        figures.last_rewrite_ok.store(done.is_ok(), Ordering::Relaxed);
        match done {
            Ok(()) => {
                figures.rewrite_failures.store(0, Ordering::Relaxed);
                figures.rewrites.fetch_add(1, Ordering::Relaxed);
                if begins {
                    figures.on.store(true, Ordering::SeqCst);
                }
                self.report.notice("Background AOF rewrite finished successfully");
            }
            Err(failure) => {
                figures.rewrite_failures.fetch_add(1, Ordering::Relaxed);
                self.report.warning(&format!("Background AOF rewrite failed: {failure}"));
            }
        }
        figures.rewriting.store(false, Ordering::SeqCst);
    }

    /// The settings were changed: what depends on them is done at once.
    ///
    /// # Errors
    /// Why it cannot be.
    pub fn apply(self: &Arc<Self>, changed: &[Id]) -> Result<(), String> {
        let Some(engine) = self.engine.upgrade() else { return Ok(()) };
        if changed.contains(&Id::Appendfsync) {
            self.with_writer(Writer::apply_policy);
        }
        if changed.contains(&Id::Appendonly) {
            match (engine.config().flag(Id::Appendonly), self.is_on()) {
                (true, false) => return self.turn_on(&engine),
                (false, true) => self.turn_off(&engine),
                _ => {}
            }
        }
        Ok(())
    }

    /// The log begins with a rewrite in the background.
    fn turn_on(self: &Arc<Self>, engine: &Engine) -> Result<(), String> {
        let folder = Folder::of(self.folder().disk, engine.config());
        *lock(&self.folder) = folder.clone();
        folder.disk.create_folder(&folder.path).map_err(|error| plain(&error))?;
        if let Ok(Some(text)) = folder.read_manifest()
            && let Ok(manifest) = Manifest::parse(&text)
        {
            *self.manifest() = manifest;
        }
        if lock(&self.thread).is_none() {
            self.run().map_err(|error| plain(&error))?;
        }
        match self.rewrite() {
            Ok(()) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }

    fn turn_off(&self, engine: &Engine) {
        self.figures.on.store(false, Ordering::SeqCst);
        engine.log().set_on(false);
        let Some(mut writer) = lock(&self.writer).take() else { return };
        if let Err(error) = writer.finish() {
            self.report
                .warning(&format!("the log's last bytes are not on disk: {}", plain(&error)));
        }
        *lock(&self.ring) = writer.into_ring();
        engine.log().release_but_referenced();
        if self.figures.failing.swap(false, Ordering::SeqCst) {
            engine.log().recover(u64::MAX);
            engine.doubt_writes(false);
        }
    }

    /// Makes everything last that was logged before the call; whether it does.
    #[must_use]
    pub fn sync(&self) -> bool {
        let Some(engine) = self.engine.upgrade() else { return false };
        let position = engine.log().position();
        self.with_writer(|writer| {
            while writer.position() < position && writer.trouble().is_none() {
                writer.pass(true);
                if writer.position() < position {
                    // Somebody has taken a frame's place and not filled it yet.
                    std::thread::yield_now();
                }
            }
            writer.finish().is_ok()
        })
        .unwrap_or(false)
    }

    /// Why writes are refused.
    #[must_use]
    pub fn refuses_writes(&self) -> Option<Error> {
        if !self.figures.failing.load(Ordering::Relaxed) {
            return None;
        }
        let reason = self.with_writer(|writer| writer.trouble()).flatten()?;
        Some(Error::owned(format!("MISCONF Errors writing to the AOF file: {reason}")))
    }

    /// Makes everything last.
    ///
    /// # Errors
    /// What the disk says.
    pub fn flush(&self) -> Result<(), String> {
        let done = self.with_writer(Writer::finish);
        done.unwrap_or(Ok(())).map_err(|error| plain(&error))
    }

    /// Ends the threads. A ring that was written out is removed; another one waits for the next
    /// start.
    pub fn close(&self) {
        self.bell.closing.store(true, Ordering::SeqCst);
        {
            let _guard = lock(&self.bell.lock);
            self.bell.wake.notify_all();
        }
        for thread in [&self.rewriter, &self.thread] {
            let thread = lock(thread).take();
            if let Some(thread) = thread
                && thread.thread().id() != std::thread::current().id()
            {
                // A thread that panicked has said so itself.
                let _ = thread.join();
            }
        }
        let writer = lock(&self.writer).take();
        let Some(mut writer) = writer else { return };
        match writer.finish() {
            Ok(()) if !writer.is_behind() => {
                drop(writer);
                let folder = self.folder();
                if let Err(error) = folder.disk.remove(&folder.ring_path())
                    && error.kind() != io::ErrorKind::NotFound
                {
                    self.report.warning(&format!("the ring stays: {}", plain(&error)));
                }
            }
            Ok(()) => {}
            Err(error) => {
                let reason = plain(&error);
                self.report.warning(&format!("the log's last bytes are not on disk: {reason}"));
            }
        }
    }

    fn is_closing(&self) -> bool {
        self.bell.closing.load(Ordering::SeqCst)
    }

    fn folder(&self) -> Folder {
        lock(&self.folder).clone()
    }

    fn manifest(&self) -> MutexGuard<'_, Manifest> {
        lock(&self.manifest)
    }

    fn with_writer<R>(&self, work: impl FnOnce(&mut Writer) -> R) -> Option<R> {
        lock(&self.writer).as_mut().map(work)
    }

    /// Removes what was replaced, and forgets it.
    fn remove_history(&self) {
        let engine = self.engine.upgrade();
        if engine.is_some_and(|engine| engine.config().flag(Id::AofDisableAutoGc)) {
            return;
        }
        let folder = self.folder();
        let mut manifest = self.manifest();
        if manifest.history.is_empty() {
            return;
        }
        let removed = manifest.history.iter().try_for_each(|part| folder.remove(part));
        let wanted = Manifest { history: Vec::new(), ..manifest.clone() };
        match removed.and_then(|()| folder.write_manifest(&wanted)) {
            Ok(()) => *manifest = wanted,
            Err(error) => {
                let reason = plain(&error);
                self.report.warning(&format!("replaced files of the log stay for now: {reason}"));
            }
        }
    }

    /// Looks how large the files are.
    fn measure(&self) {
        let folder = self.folder();
        let manifest = self.manifest().clone();
        let parts = manifest.base.iter().chain(&manifest.increments);
        let size = parts.filter_map(|part| folder.size_of(part).ok().flatten()).sum();
        self.figures.current_size.store(size, Ordering::Relaxed);
        self.figures.base_size.store(size, Ordering::Relaxed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
