//! The writer: frames of the engine's log become bytes of an increment, and replies are released.
//!
//! One at a time works on it, whoever that is: the log's thread, or a caller who waits for its reply and
//! syncs for all who wait with it. A pass takes what is there: read, encode, write, note the place in
//! the ring, give the ring back, sync if the settings say so.
//!
//! **Order.** Bytes are written before the place is noted, that before frames are cleared; an
//! increment is synced before the first byte of the next is written, so that only the last one can be
//! torn.
//!
//! **Failure.** What cannot be written stays in the ring and is tried again; writes are refused
//! meanwhile. After a failed sync nothing that was written may be believed, nor a later sync that
//! succeeds: only a rewrite into new files ends that. Whoever waits for release hears that the
//! outcome is not known.

use super::encode::Encoder;
use super::figures::Figures;
use super::folder::Folder;
use super::manifest::Part;
use crate::disk::File;
use crate::report::Report;
use crate::ring::{Place, RingFile};
use larder_engine::Engine;
use larder_engine::config::{AppendFsync, Id};
use larder_engine::log::{Position, flags};
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Bytes that are encoded before they are written.
const BATCH_BYTES: usize = 1024 * 1024;

/// How old unsynced bytes get with `everysec`, in microseconds: what is left of the second is for
/// finding them and for the sync itself.
pub const SYNC_EVERY_US: u64 = 700_000;

/// See the module.
#[derive(Debug)]
pub struct Writer {
    folder: Folder,
    engine: Arc<Engine>,
    ring: Option<RingFile>,
    figures: Arc<Figures>,
    report: Arc<dyn Report>,
    file: Box<dyn File>,
    part: Part,
    place: Place,
    /// Encoded and not written, up to a position and with a state.
    pending: Vec<u8>,
    read_to: Position,
    encoder: Encoder,
    /// The increment that the next mark leads to: it is there, and listed where it has to be.
    next: Option<Part>,
    /// Bytes of the increment were written since the last sync; since when.
    unsynced_since_us: Option<u64>,
    /// The file may be longer than the place says.
    overhangs: bool,
    trouble: Trouble,
}

/// What is wrong.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Trouble {
    /// Bytes could not be written; they are tried again.
    write: Option<String>,
    /// Bytes that were written may be lost: only a rewrite helps.
    broken: bool,
    /// Frames are missing: nothing is written any more before a mark.
    gap: bool,
}

impl Trouble {
    fn any(&self) -> bool {
        self.write.is_some() || self.broken || self.gap
    }
}

/// What a writer begins with.
#[derive(Debug)]
pub struct Start {
    /// The increment.
    pub part: Part,
    /// Its size.
    pub size: u64,
    /// Frames count from the first mark on.
    pub from_mark: bool,
}

impl Writer {
    /// A writer that goes on with an increment, which must be there.
    ///
    /// # Errors
    /// What the disk says.
    pub fn open(
        folder: Folder,
        engine: Arc<Engine>,
        ring: Option<RingFile>,
        (figures, report): (Arc<Figures>, Arc<dyn Report>),
        start: Start,
    ) -> io::Result<Self> {
        let Start { part, size, from_mark } = start;
        let file = folder.disk.append(&folder.part_path(&part))?;
        let position = engine.log().read_position();
        let encoder = Encoder::default();
        let place = Place { increment: part.seq, size, position, encoder };
        let mut writer = Writer {
            folder,
            engine,
            ring,
            figures,
            report,
            file,
            place,
            pending: Vec::new(),
            read_to: position,
            encoder: Encoder::default(),
            next: None,
            unsynced_since_us: None,
            overhangs: false,
            trouble: Trouble { gap: from_mark, ..Trouble::default() },
            part,
        };
        writer.note();
        Ok(writer)
    }

    /// The ring's file, for the next writer.
    pub fn into_ring(self) -> Option<RingFile> {
        self.ring
    }

    /// Number of the increment that is written.
    #[must_use]
    pub fn increment(&self) -> u64 {
        self.place.increment
    }

    /// Everything before this position is in the files.
    #[must_use]
    pub fn position(&self) -> Position {
        self.place.position
    }

    /// Where frames end that are neither written nor lost.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.read_to < self.engine.log().position() || !self.pending.is_empty()
    }

    /// The next mark leads to this increment.
    pub fn expect_mark(&mut self, next: Part) {
        self.next = Some(next);
    }

    /// Does what there is to do. `now` syncs at once, whatever the settings say of when.
    pub fn pass(&mut self, now: bool) {
        self.mend();
        while self.step() {}
        self.make_room();
        if !self.trouble.any() {
            self.sync_if_due(now);
        }
        let (used, _) = self.engine.log().fill();
        self.figures.buffered.store(used + self.pending.len() as u64, Ordering::Relaxed);
    }

    /// A rewrite is done that began with this increment: everything before is in its base.
    pub fn rewritten(&mut self, from: u64) {
        if self.place.increment >= from {
            self.trouble.broken = false;
        }
        self.pass(true);
        self.recover();
    }

    /// Whether writes are refused, and why in the system's words.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        let Trouble { write, broken, .. } = &self.trouble;
        let lost = || "Input/output error".to_owned();
        write.clone().or_else(|| broken.then(lost))
    }

    /// Whether only a rewrite helps.
    #[must_use]
    pub fn needs_rewrite(&self) -> bool {
        self.trouble.broken || (self.trouble.gap && self.next.is_none())
    }

    /// When replies may leave, as the settings say now.
    pub fn apply_policy(&mut self) {
        self.pass(true);
        if self.trouble.any() {
            return;
        }
        match self.engine.config().appendfsync() {
            AppendFsync::Always => self.engine.log().release(self.place.position),
            _ => self.release_written(),
        }
    }

    /// Syncs and says whether everything is on disk.
    ///
    /// # Errors
    /// What the disk said.
    pub fn finish(&mut self) -> io::Result<()> {
        self.pass(true);
        if let Some(trouble) = self.trouble() {
            return Err(io::Error::other(trouble));
        }
        match self.unsynced_since_us {
            Some(_) => self.sync(),
            None => Ok(()),
        }
    }

    /// Reads, or writes, or goes on to the next increment; whether there may be more to do.
    fn step(&mut self) -> bool {
        if !self.pending.is_empty() {
            return self.write();
        }
        let log = self.engine.log();
        let timestamps = self.engine.config().flag(Id::AofTimestampEnabled);
        let mut mark = None;
        while self.pending.len() < BATCH_BYTES {
            let Some(frame) = log.read(self.read_to) else { break };
            if frame.head.flags & flags::MARK != 0 {
                mark = Some(frame.end);
                break;
            }
            self.read_to = frame.end;
            if !self.trouble.gap {
                self.encoder.add(&frame, timestamps, &mut self.pending);
            }
        }
        if self.trouble.gap && self.read_to > log.read_position() {
            log.give_back(self.read_to);
        }
        match mark {
            Some(end) if self.pending.is_empty() => {
                self.turn(end);
                true
            }
            Some(_) => true,
            None => !self.pending.is_empty(),
        }
    }

    /// Writes what is pending; whether it was written.
    fn write(&mut self) -> bool {
        if let Err(error) = write_all(&mut *self.file, &self.pending) {
            self.overhangs = true;
            self.fail_write(&error);
            return false;
        }
        let bytes = self.pending.len() as u64;
        self.pending.clear();
        self.pending.shrink_to(BATCH_BYTES);
        self.place.size += bytes;
        self.place.position = self.read_to;
        self.place.encoder = self.encoder;
        self.unsynced_since_us.get_or_insert_with(|| self.engine.now_us());
        self.figures.current_size.fetch_add(bytes, Ordering::Relaxed);
        self.note();
        self.engine.log().give_back(self.read_to);
        self.release_written();
        true
    }

    /// Notes in the ring what stands in the file.
    fn note(&mut self) {
        if let Some(ring) = &mut self.ring {
            ring.note(&self.place);
        }
    }

    /// Replies that need not wait for a sync may leave.
    fn release_written(&self) {
        let log = self.engine.log();
        if self.engine.config().appendfsync() == AppendFsync::Always || self.trouble.any() {
            return;
        }
        match self.ring {
            Some(_) => log.release_but_referenced(),
            None => log.release(self.place.position),
        }
    }

    /// Goes on with the increment after a mark.
    fn turn(&mut self, end: Position) {
        self.read_to = end;
        let engine = self.engine.clone();
        let log = engine.log();
        let Some(next) = self.next.take() else {
            // A mark that nobody waits for any more: the rewrite was given up before.
            log.give_back(end);
            return;
        };
        if !self.trouble.gap && self.unsynced_since_us.is_some() && self.sync().is_err() {
            // Said and noted: the rewrite that has brought the mark is what helps.
        }
        match self.folder.disk.append(&self.folder.part_path(&next)) {
            Ok(file) => self.file = file,
            Err(error) => {
                // The mark is passed: what follows belongs to no file until the next one.
                self.trouble.gap = true;
                self.trouble.broken = true;
                self.fail(&format!("{} cannot be opened: {error}", next.name));
                log.give_back(end);
                return;
            }
        }
        self.encoder = Encoder::default();
        self.place =
            Place { increment: next.seq, size: 0, position: end, encoder: Encoder::default() };
        self.part = next;
        self.unsynced_since_us = None;
        self.overhangs = false;
        self.trouble.gap = false;
        self.note();
        log.give_back(end);
    }

    /// Tries to set right what a failed write has left.
    fn mend(&mut self) {
        if self.trouble.write.is_none() {
            return;
        }
        if self.overhangs {
            let path = self.folder.part_path(&self.part);
            match self.folder.disk.cut(&path, self.place.size) {
                Ok(()) => self.overhangs = false,
                Err(error) => return self.fail_write(&error),
            }
        }
        let nothing = self.pending.is_empty();
        if nothing || self.write() {
            self.trouble.write = None;
            self.recover();
        }
    }

    /// Ends the refusal of writes, if nothing is wrong any more.
    fn recover(&mut self) {
        if self.trouble.any() || !self.figures.failing.load(Ordering::Relaxed) {
            return;
        }
        if self.unsynced_since_us.is_some() && self.sync().is_err() {
            return;
        }
        self.report.notice("The log can be written again: writes are accepted");
        self.figures.failing.store(false, Ordering::Relaxed);
        self.figures.last_write_ok.store(true, Ordering::Relaxed);
        let log = self.engine.log();
        log.recover(self.place.position);
        self.release_written();
        self.engine.doubt_writes(false);
    }

    /// While nothing can be written the ring must not fill: then every change would wait, those
    /// that reads make among them. What goes beyond three quarters of it is left to a rewrite.
    fn make_room(&mut self) {
        let log = self.engine.log();
        let (used, size) = log.fill();
        if self.trouble.write.is_none() || used < size / 4 * 3 {
            return;
        }
        self.report.warning("The log's ring is full and cannot be written: it will be rewritten");
        self.trouble = Trouble { write: None, broken: true, gap: true };
        self.pending = Vec::new();
        while self.step() {}
    }

    fn fail_write(&mut self, error: &io::Error) {
        let reason = plain(error);
        let first = self.trouble.write.as_ref() != Some(&reason);
        self.trouble.write = Some(reason.clone());
        if first {
            self.fail(&format!("Error writing to the AOF file: {reason}"));
        }
    }

    /// Says what is wrong, refuses writes, and lets nobody wait any longer.
    fn fail(&self, what: &str) {
        self.report.warning(&format!("{what}: writes are refused until this is over"));
        self.figures.last_write_ok.store(false, Ordering::Relaxed);
        self.figures.failing.store(true, Ordering::Relaxed);
        self.engine.doubt_writes(true);
        self.engine.log().fail();
    }

    fn sync_if_due(&mut self, now: bool) {
        let policy = self.engine.config().appendfsync();
        let due = match (policy, self.unsynced_since_us) {
            (_, None) => false,
            (AppendFsync::Always, _) => true,
            (AppendFsync::No, _) => now,
            (AppendFsync::EverySec, Some(since_us)) => {
                now || self.engine.now_us().saturating_sub(since_us) >= SYNC_EVERY_US
            }
        };
        if due && self.sync().is_err() {
            return;
        }
        if policy == AppendFsync::Always {
            self.engine.log().release(self.place.position);
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        let began_us = self.engine.now_us();
        let log = self.engine.log();
        log.note_sync(began_us.max(1));
        let synced = self.file.sync();
        log.note_sync(0);
        let took_us = self.engine.now_us().saturating_sub(began_us);
        if took_us >= larder_engine::log::MAX_SYNC_US {
            self.figures.delayed.fetch_add(1, Ordering::Relaxed);
            let took_ms = took_us / 1000;
            self.report.warning(&format!(
                "Asynchronous AOF fsync is taking too long (disk is busy?): {took_ms} ms, for which \
                 writers waited"
            ));
        }
        match &synced {
            Ok(()) => {
                self.unsynced_since_us = None;
                self.figures.synced.store(self.place.position, Ordering::SeqCst);
                self.figures.syncs.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => {
                self.trouble.broken = true;
                let reason = plain(error);
                self.fail(&format!(
                    "Fail to fsync the AOF file: {reason}: what was written last may be lost, and the \
                     log is written anew"
                ));
            }
        }
        synced
    }
}

/// Writes all, or fails having written a part.
fn write_all(file: &mut dyn File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    file.flush()
}

/// The system's words without its number.
pub fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}
