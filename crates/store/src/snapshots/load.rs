//! The snapshot file at a start, and how far its reading is.

use super::Snapshots;
use crate::rdb::{self, ReadOptions, Sink};
use larder_engine::Engine;
use larder_engine::keyspace::snapshot::SavedEntry;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a start has loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loaded {
    /// Keys.
    pub keys: u64,
    /// Keys that were due and are left out.
    pub expired: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// How long it took.
    pub took_ms: u64,
}

/// Why a snapshot file cannot be loaded. It was not changed.
#[derive(Debug)]
pub struct LoadError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong.
    pub error: rdb::Error,
}

impl std::fmt::Display for LoadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.error)
    }
}

impl std::error::Error for LoadError {}

/// How far a start's reading is.
#[derive(Debug, Default)]
pub(super) struct Progress {
    began_ms: AtomicU64,
    total: AtomicU64,
    read: AtomicU64,
}

impl Progress {
    /// Lines of INFO.
    pub(super) fn info(&self, engine: &Engine) -> Vec<(&'static str, String)> {
        if !engine.is_loading() {
            return Vec::new();
        }
        let get = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
        let (began_ms, total, read) = (get(&self.began_ms), get(&self.total), get(&self.read));
        let took_s = (engine.now_us() / 1000).saturating_sub(began_ms) / 1000;
        let share = if total == 0 { 0.0 } else { read.min(total) as f64 / total as f64 };
        let left_s = if share == 0.0 { 1 } else { (took_s as f64 / share) as u64 - took_s };
        vec![
            ("loading", "1".to_owned()),
            ("loading_start_time", (began_ms / 1000).to_string()),
            ("loading_total_bytes", total.to_string()),
            ("loading_loaded_bytes", read.to_string()),
            ("loading_loaded_perc", format!("{:.2}", share * 100.0)),
            ("loading_eta_seconds", left_s.to_string()),
        ]
    }
}

impl Snapshots {
    /// Loads the snapshot file into the engine, which is empty and answers `-LOADING` meanwhile;
    /// nothing where there is none. `told` hears bytes read and bytes in all.
    ///
    /// # Errors
    /// [`LoadError`]; the engine holds a part of the data then and must not be used.
    pub fn load(&self, told: &mut dyn FnMut(u64, u64)) -> Result<Option<Loaded>, LoadError> {
        let path = self.path();
        let at_path = |error: rdb::Error| LoadError { path: path.clone(), error };
        let Some(engine) = self.engine.upgrade() else { return Ok(None) };
        let (mut input, total) = match self.disk.read(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(at_path(error.into())),
        };
        let began_ms = engine.now_us() / 1000;
        self.loading.began_ms.store(began_ms, Ordering::Relaxed);
        self.loading.total.store(total, Ordering::Relaxed);
        let before = engine.is_loading();
        engine.set_loading(true);
        let mut progress = |read: u64| {
            self.loading.read.store(read, Ordering::Relaxed);
            told(read, total);
        };
        let options = ReadOptions { progress: Some(&mut progress), ..ReadOptions::of(&engine) };
        let read = rdb::load(&mut *input, &engine, options);
        engine.set_loading(before);
        let summary = read.map_err(at_path)?;
        let rdb::Summary { keys, expired, bytes, .. } = summary;
        if !summary.rest.is_empty() || bytes < total {
            let error = rdb::Error::Corrupt {
                reason: "something stands behind its end".to_owned(),
                offset: bytes,
                key: None,
            };
            return Err(at_path(error));
        }
        if summary.empty > 0 {
            let many = summary.empty;
            self.report.warning(&format!("{many} empty collections are no keys and are left out"));
        }
        self.state().begin_with(&engine, keys, expired);
        let took_ms = (engine.now_us() / 1000).saturating_sub(began_ms);
        Ok(Some(Loaded { keys, expired, bytes, took_ms }))
    }

    /// How far the loading of other files is, for INFO.
    pub fn note_loading(&self, engine: &Engine, read: u64, total: u64) {
        if self.loading.total.swap(total, Ordering::Relaxed) != total {
            self.loading.began_ms.store(engine.now_us() / 1000, Ordering::Relaxed);
        }
        self.loading.read.store(read, Ordering::Relaxed);
    }

    /// Hands over what the file holds.
    pub(super) fn read_into(&self, each: &mut dyn FnMut(SavedEntry)) -> Result<(), rdb::Error> {
        struct Each<'e>(&'e mut dyn FnMut(SavedEntry));
        impl Sink for Each<'_> {
            fn entry(&mut self, entry: SavedEntry) -> Result<(), rdb::Error> {
                (self.0)(entry);
                Ok(())
            }
        }
        let engine = self.engine.upgrade().ok_or(rdb::Error::Aborted)?;
        let (mut input, _) = self.disk.read(&self.path())?;
        let options = ReadOptions::of(&engine);
        rdb::read(&mut *input, &mut Each(each), options).map(drop)
    }
}
