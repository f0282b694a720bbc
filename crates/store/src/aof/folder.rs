//! The log's folder: `appendonlydir` inside the data folder, with the names that Redis gives.
//! Knows names and the manifest's file; what files hold is `replay`'s and `writer`'s.

use super::manifest::{Manifest, Part};
use crate::disk::Disk;
use larder_engine::config::{Config, Id};
use std::ffi::OsStr;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A manifest that is larger than this is none.
const MAX_MANIFEST_BYTES: u64 = 16 * 1024 * 1024;

/// See the module.
#[derive(Debug, Clone)]
pub struct Folder {
    /// The disk that it is on.
    pub disk: Arc<dyn Disk>,
    /// The data folder.
    pub data: PathBuf,
    /// The log's folder in it.
    pub path: PathBuf,
    /// What every name of a file begins with.
    pub base_name: String,
}

impl Folder {
    /// The folder that the settings name, inside a data folder.
    #[must_use]
    pub fn new(disk: Arc<dyn Disk>, data: &Path, config: &Config) -> Self {
        let text = |id| String::from_utf8_lossy(&config.text(id)).into_owned();
        let path = data.join(text(Id::Appenddirname));
        Folder { disk, data: data.to_path_buf(), path, base_name: text(Id::Appendfilename) }
    }

    /// The folder that the settings name.
    #[must_use]
    pub fn of(disk: Arc<dyn Disk>, config: &Config) -> Self {
        let dir = config.text(Id::Dir);
        Folder::new(disk, Path::new(OsStr::from_bytes(&dir)), config)
    }

    /// The manifest's file.
    #[must_use]
    pub fn manifest_path(&self) -> PathBuf {
        self.path.join(format!("{}.manifest", self.base_name))
    }

    /// The ring's file.
    #[must_use]
    pub fn ring_path(&self) -> PathBuf {
        self.path.join("larder.ring")
    }

    /// The single file of a log that Redis wrote before version 7.
    #[must_use]
    pub fn single_path(&self) -> PathBuf {
        self.data.join(&self.base_name)
    }

    /// A part's file.
    #[must_use]
    pub fn part_path(&self, part: &Part) -> PathBuf {
        self.path.join(&part.name)
    }

    /// An increment of a number.
    #[must_use]
    pub fn increment(&self, seq: u64) -> Part {
        Part { name: format!("{}.{seq}.incr.aof", self.base_name), seq }
    }

    /// A base of a number, as a snapshot or as commands.
    #[must_use]
    pub fn base(&self, seq: u64, snapshot: bool) -> Part {
        let form = if snapshot { "rdb" } else { "aof" };
        Part { name: format!("{}.{seq}.base.{form}", self.base_name), seq }
    }

    /// The manifest's text, if there is one.
    ///
    /// # Errors
    /// What the disk says.
    pub fn read_manifest(&self) -> io::Result<Option<Vec<u8>>> {
        let opened = match self.disk.read(&self.manifest_path()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let mut text = Vec::new();
        opened.0.take(MAX_MANIFEST_BYTES).read_to_end(&mut text)?;
        Ok(Some(text))
    }

    /// Writes the manifest, whole or not at all.
    ///
    /// # Errors
    /// What the disk says; the one before is in force then.
    pub fn write_manifest(&self, manifest: &Manifest) -> io::Result<()> {
        let text = manifest.to_text();
        self.disk.replace(&self.manifest_path(), &mut |file| file.write_all(text.as_bytes()))
    }

    /// The size of a part's file, or `None` where it is missing.
    ///
    /// # Errors
    /// What the disk says.
    pub fn size_of(&self, part: &Part) -> io::Result<Option<u64>> {
        match self.disk.read(&self.part_path(part)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            opened => Ok(Some(opened?.1)),
        }
    }

    /// Removes a part's file; one that is gone is gone.
    ///
    /// # Errors
    /// What the disk says.
    pub fn remove(&self, part: &Part) -> io::Result<()> {
        match self.disk.remove(&self.part_path(part)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }
}
