//! Where imported keys are put: a running server, or a data folder of this machine. Either way by
//! RESTORE, so that every value is checked and stands whole in the place of what was there.

use super::{Outcome, is_url};
use larder::engine::commands::connection::ping;
use larder::engine::commands::generic::restore;
use larder::engine::mailbox::{Mailbox, Notify};
use larder::engine::{Durability, Engine, Origin, Session};
use larder::{Larder, Value};
use larder_engine::config::{Config, Id, Profile};
use larder_store::disk::RealDisk;
use larder_store::folder_lock::{FolderLock, NotOurs};
use larder_store::report::NoReport;
use larder_store::{Store, StoreOptions};
use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

/// A key on its way.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: Vec<u8>,
    /// What DUMP answers of it.
    pub(super) payload: Vec<u8>,
    pub(super) expires: Expires,
}

/// When a key expires.
#[derive(Debug, Clone, Copy)]
pub(super) enum Expires {
    /// Not.
    Never,
    /// So long from now on.
    AfterMs(u64),
    /// At this Unix time.
    AtMs(u64),
}

/// What a file says of that.
pub(super) fn at(deadline_ms: Option<u64>) -> Expires {
    deadline_ms.map_or(Expires::Never, Expires::AtMs)
}

/// A target.
pub(super) struct Target {
    place: Place,
    /// Keys that are there stay as they are.
    keep: bool,
    outcome: Outcome,
}

enum Place {
    /// A server by its URL, with a connection for each database.
    Server { url: String, databases: HashMap<u32, Larder> },
    /// A folder, whose data is in this process meanwhile.
    Folder { engine: Arc<Engine>, store: Arc<Store>, _lock: FolderLock },
}

impl Target {
    pub(super) fn open(into: &str, keep: bool) -> Result<Target, String> {
        let place = if is_url(into) {
            let url = into.to_owned();
            let first = Larder::open(&url).map_err(|error| error.to_string())?;
            first.command(&[ping::SPEC.name]).map_err(|error| {
                format!("{error}; start one, or name another with --into, or a data folder")
            })?;
            Place::Server { url, databases: HashMap::new() }
        } else {
            folder(Path::new(into.strip_prefix("larder:").unwrap_or(into)))?
        };
        Ok(Target { place, keep, outcome: Outcome::default() })
    }

    /// Puts keys into a database.
    pub(super) fn put(&mut self, db: u32, entries: &[Entry]) -> Result<(), String> {
        if entries.is_empty() {
            return Ok(());
        }
        let numbers: Vec<(String, bool)> = entries.iter().map(|entry| ttl(entry.expires)).collect();
        let requests: Vec<Vec<&[u8]>> = entries
            .iter()
            .zip(&numbers)
            .map(|(entry, (ttl, absolute))| {
                let mut words: Vec<&[u8]> =
                    vec![restore::SPEC.name.as_bytes(), &entry.key, ttl.as_bytes(), &entry.payload];
                words.extend((!self.keep).then_some(&b"REPLACE"[..]));
                words.extend(absolute.then_some(&b"ABSTTL"[..]));
                words
            })
            .collect();
        let requests: Vec<&[&[u8]]> = requests.iter().map(Vec::as_slice).collect();
        for reply in self.place.run(db, &requests)? {
            self.outcome.count(&reply);
        }
        Ok(())
    }

    /// Keys went away while they were looked at.
    pub(super) fn count_gone(&mut self, keys: u64) {
        self.outcome.gone += keys;
    }

    /// An engine whose rules values of files are read by.
    pub(super) fn rules_of(&self) -> Result<Arc<Engine>, larder::Error> {
        if let Place::Folder { engine, .. } = &self.place {
            return Ok(engine.clone());
        }
        let larder = Larder::open("memory:")?;
        let engine = larder.linked_engine().cloned();
        engine.ok_or_else(|| larder::Error::UnexpectedReply("no engine".to_owned()))
    }

    /// Makes last what was put; what became of it.
    pub(super) fn finish(&mut self) -> Result<Outcome, String> {
        if let Place::Folder { store, .. } = &self.place {
            let saved = store.save();
            let path = store.snapshots().path();
            store.close();
            saved.map_err(|_| format!("{} cannot be written", path.display()))?;
        }
        Ok(std::mem::take(&mut self.outcome))
    }
}

impl Outcome {
    fn count(&mut self, reply: &Value) {
        match reply {
            Value::Error(text) if text.starts_with(b"BUSYKEY") => self.kept += 1,
            Value::Error(text) => {
                self.refused += 1;
                self.why.get_or_insert_with(|| String::from_utf8_lossy(text).into_owned());
            }
            _ => self.put += 1,
        }
    }
}

impl Place {
    fn run(&mut self, db: u32, requests: &[&[&[u8]]]) -> Result<Vec<Value>, String> {
        match self {
            Place::Server { url, databases } => {
                let larder = match databases.entry(db) {
                    std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
                    std::collections::hash_map::Entry::Vacant(room) => {
                        let opened = Larder::open(&with_db(url, db));
                        room.insert(opened.map_err(|error| error.to_string())?)
                    }
                };
                larder.pipeline(requests).map_err(|error| error.to_string())
            }
            Place::Folder { engine, .. } => {
                let mut session = session(engine);
                let db = u8::try_from(db).ok().filter(|db| *db < 16);
                session.select(db.ok_or_else(|| "a database above 15".to_owned())?);
                let replies = requests.iter().map(|words| {
                    let mut out = Vec::new();
                    let _ = session.execute(words, &mut out);
                    match larder_resp::decode(&out) {
                        Ok(Some((reply, _))) => Ok(reply),
                        _ => Err("a reply that is no reply".to_owned()),
                    }
                });
                replies.collect()
            }
        }
    }
}

/// The data of a folder in this process, under the folder's lock.
fn folder(path: &Path) -> Result<Place, String> {
    let shown = path.display().to_string();
    let lock = FolderLock::take(path).map_err(|refused| match refused {
        NotOurs::Taken(owner) => format!(
            "{shown} is served by a Larder ({owner}): import into that with --into redis://…"
        ),
        NotOurs::Failed(error) => format!("{shown}: {}", crate::redis_conf::plain(&error)),
    })?;
    let config = Arc::new(Config::new(Profile::Larder));
    config.set_text(Id::Dir, path.as_os_str().as_bytes());
    let larder = Larder::with_config(config, Arc::new(larder::engine::NoHost))
        .map_err(|error| error.to_string())?;
    let engine = larder.linked_engine().cloned().ok_or_else(|| "no engine".to_owned())?;
    let options =
        StoreOptions { disk: Arc::new(RealDisk), report: Arc::new(NoReport), save_at_end: true };
    let store = Store::open(&engine, options).map_err(|error| error.to_string())?;
    store.load(&mut |_, _| {}).map_err(|error| error.to_string())?;
    Ok(Place::Folder { engine, store, _lock: lock })
}

struct Nobody;

impl Notify for Nobody {
    fn notify(&self) {}
}

fn session(engine: &Arc<Engine>) -> Session {
    let mut session = Session::new(engine.clone(), Origin::Linked, Mailbox::new(Box::new(Nobody)));
    session.trust();
    session
}

/// The TTL as RESTORE takes it, and whether it is a moment.
fn ttl(expires: Expires) -> (String, bool) {
    match expires {
        Expires::Never => ("0".to_owned(), false),
        Expires::AfterMs(ms) => (ms.to_string(), false),
        // Zero would mean that it does not expire.
        Expires::AtMs(ms) => (ms.max(1).to_string(), true),
    }
}

/// A server's URL with another database.
pub(super) fn with_db(url: &str, db: u32) -> String {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let (scheme, rest) = base.split_once("://").unwrap_or(("redis", base));
    if scheme.contains("unix") {
        let others = query.split('&').filter(|option| !option.is_empty());
        let others: Vec<&str> = others.filter(|option| !option.starts_with("db=")).collect();
        let options = [&[format!("db={db}").as_str()], &others[..]].concat().join("&");
        return format!("{base}?{options}");
    }
    let authority = rest.split('/').next().unwrap_or_default();
    let query = if query.is_empty() { String::new() } else { format!("?{query}") };
    format!("{scheme}://{authority}/{db}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_get_another_database() {
        assert_eq!(with_db("redis://localhost", 3), "redis://localhost/3");
        assert_eq!(with_db("redis://:p@h:1/0?a=b", 3), "redis://:p@h:1/3?a=b");
        assert_eq!(with_db("unix:///tmp/s?db=1&pass=x", 3), "unix:///tmp/s?db=3&pass=x");
    }
}
