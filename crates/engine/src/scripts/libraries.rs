//! Libraries of functions: their sources, what they have registered, and both as bytes.
//!
//! A library is loaded once to learn what it registers, and again in each interpreter that runs
//! one of its functions first. Whoever makes data last saves the sources ([`Libraries::sources`])
//! and loads them again.

use super::Scripts;
use crate::error::Error;
use crate::host::Host as Outside;
use hashbrown::HashMap;
use larder_codec::rdb::{Leniency, Reader, Version, Writer, open, seal};
use larder_lua::{Fault, Host, Level, LoadFault, Registered, Source, Tick};
use larder_resp::{Protocol, encode};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What begins a library in RDB.
const OPCODE: u8 = 245;

/// How long a library may take to be loaded.
const MAX_LOAD_US: u64 = 500_000;

/// A library.
#[derive(Debug)]
pub struct Library {
    /// Its name.
    pub name: String,
    /// Its source as it was given, first line and all.
    pub code: Arc<[u8]>,
    /// What is run, with the number of its first function.
    body: Source,
    /// What it has registered, in this order.
    pub functions: Vec<Registered>,
}

/// A function: its library, and its place in it.
#[derive(Debug, Clone)]
pub(crate) struct Function {
    library: Arc<Library>,
    at: usize,
}

impl Function {
    /// What it has said of itself.
    pub(crate) fn facts(&self) -> &Registered {
        &self.library.functions[self.at]
    }

    /// Its number in interpreters.
    pub(crate) fn id(&self) -> i32 {
        self.library.body.id + self.at as i32
    }

    /// The library's source, for an interpreter that has not loaded it.
    pub(crate) fn source(&self) -> &Source {
        &self.library.body
    }
}

/// Libraries by name, and their functions.
#[derive(Debug, Clone, Default)]
pub(crate) struct Libraries {
    by_name: BTreeMap<String, Arc<Library>>,
    /// By name in lower case: capitals make no difference.
    functions: HashMap<String, Function>,
    /// The number of the next function.
    next_id: i32,
}

/// What `FUNCTION RESTORE` does about what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// Everything that is there goes.
    Flush,
    /// Nothing of the same name may be there.
    Append,
    /// Libraries of the same name go.
    Replace,
}

/// Why a library cannot be added.
enum Taken {
    Library,
    Function(Error),
}

impl Libraries {
    /// The function of a name.
    pub(crate) fn function(&self, name: &[u8]) -> Option<Function> {
        self.functions.get(&*std::str::from_utf8(name).ok()?.to_ascii_lowercase()).cloned()
    }

    /// All libraries.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Library>> {
        self.by_name.values()
    }

    /// The sources of all libraries, for whoever keeps them.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &[u8]> {
        self.by_name.values().map(|library| &*library.code)
    }

    /// How many libraries and functions there are.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.by_name.len(), self.functions.len())
    }

    /// Bytes of their sources.
    pub(crate) fn bytes(&self) -> u64 {
        self.sources().map(|code| code.len() as u64).sum()
    }

    /// Adds a library, and gives the one that it replaces; no other may have its names.
    fn add(&mut self, library: Arc<Library>, replace: bool) -> Result<Option<Arc<Library>>, Taken> {
        let old = self.by_name.get(&library.name);
        if old.is_some() && !replace {
            return Err(Taken::Library);
        }
        for Registered { name, .. } in &library.functions {
            if let Some(known) = self.functions.get(&name.to_ascii_lowercase())
                && old.is_none_or(|old| !Arc::ptr_eq(old, &known.library))
            {
                let text = format!("ERR Function {name} already exists");
                return Err(Taken::Function(Error::owned(text)));
            }
        }
        let replaced = self.remove(&library.name);
        for (at, Registered { name, .. }) in library.functions.iter().enumerate() {
            self.functions
                .insert(name.to_ascii_lowercase(), Function { library: library.clone(), at });
        }
        self.by_name.insert(library.name.clone(), library);
        Ok(replaced)
    }

    fn remove(&mut self, name: &str) -> Option<Arc<Library>> {
        let library = self.by_name.remove(name)?;
        for function in &library.functions {
            self.functions.remove(&function.name.to_ascii_lowercase());
        }
        Some(library)
    }
}

impl Scripts {
    /// Loads a library; its name.
    pub(crate) fn load(
        &self,
        code: &[u8],
        replace: bool,
        now_us: &dyn Fn() -> u64,
        outside: &dyn Outside,
    ) -> Result<String, Error> {
        let library = self.read(code, now_us, outside)?;
        let name = library.name.clone();
        let replaced =
            self.libraries.lock().add(library, replace).map_err(|error| match error {
                Taken::Library => Error::owned(format!("ERR Library '{name}' already exists")),
                Taken::Function(error) => error,
            })?;
        self.forget(replaced.as_deref());
        Ok(name)
    }

    /// Runs a library's source to learn what it registers.
    fn read(
        &self,
        code: &[u8],
        now_us: &dyn Fn() -> u64,
        outside: &dyn Outside,
    ) -> Result<Arc<Library>, Error> {
        let (name, body) = super::shebang::of_library(code)?;
        let id = self.libraries.lock().next_id.max(1);
        let body = Source { id, text: body.into() };
        let mut host = Loading { began_us: now_us(), now_us, outside };
        let mut fault = None;
        let loaded = self.pool.with(|interpreter| {
            interpreter.load_library(&body, &mut host).map_err(|why| match why {
                LoadFault::Compiling(inner) => {
                    fault = Some("compiling function");
                    inner
                }
                LoadFault::Running(inner) => {
                    fault = Some("registering functions");
                    inner
                }
            })
        });
        let functions = loaded.map_err(|why| {
            let step = fault.unwrap_or("registering functions");
            Error::owned(format!("ERR Error {step}: {}", describe(&why)))
        })?;
        if functions.is_empty() {
            return Err(Error::text("ERR No functions registered"));
        }
        self.libraries.lock().next_id = id.saturating_add(functions.len() as i32);
        Ok(Arc::new(Library { name, code: code.into(), body, functions }))
    }

    /// Removes a library; whether it was there.
    pub(crate) fn delete(&self, name: &[u8]) -> bool {
        let Ok(name) = std::str::from_utf8(name) else { return false };
        let removed = self.libraries.lock().remove(name);
        self.forget(removed.as_deref());
        removed.is_some()
    }

    /// Removes all libraries.
    pub(crate) fn flush_libraries(&self) {
        let mut libraries = self.libraries.lock();
        *libraries = Libraries { next_id: libraries.next_id, ..Libraries::default() };
        drop(libraries);
        self.pool.clear();
    }

    /// Takes what a library that is gone has left in interpreters out of them.
    fn forget(&self, library: Option<&Library>) {
        let Some(library) = library else { return };
        let first = library.body.id;
        let ids = first..first + library.functions.len() as i32;
        self.pool.each_idle(|interpreter| interpreter.forget_functions(ids.clone()));
    }

    /// The sources of all libraries.
    pub(crate) fn library_sources(&self) -> Vec<Vec<u8>> {
        self.libraries.lock().sources().map(<[u8]>::to_vec).collect()
    }

    /// All libraries as bytes for [`Scripts::restore`], Redis and Valkey.
    pub(crate) fn dump(&self) -> Vec<u8> {
        let mut writer = Writer::new(Vec::new(), true);
        for code in self.libraries.lock().sources() {
            writer.byte(OPCODE);
            writer.string(code);
        }
        let mut payload = writer.into_bytes();
        seal(&mut payload, Version::V10);
        payload
    }

    /// Loads what [`Scripts::dump`] made, all of it or nothing.
    pub(crate) fn restore(
        &self,
        payload: &[u8],
        policy: Policy,
        now_us: &dyn Fn() -> u64,
        outside: &dyn Outside,
    ) -> Result<(), Error> {
        let (bytes, _) = open(payload, Leniency::default())
            .ok_or(Error::text("ERR DUMP payload version or checksum are wrong"))?;
        let mut reader = Reader::new(bytes);
        let mut read = Vec::new();
        while reader.left() > 0 {
            let opcode = reader.byte().map_err(|_| Error::text(BAD_PAYLOAD))?;
            if opcode != OPCODE {
                return Err(Error::text("ERR given type is not a function"));
            }
            let code = reader.string().map_err(|_| Error::text(BAD_PAYLOAD))?;
            read.push(self.read(&code, now_us, outside)?);
        }
        let mut libraries = self.libraries.lock();
        let mut next = libraries.clone();
        if policy == Policy::Flush {
            next = Libraries { next_id: libraries.next_id, ..Libraries::default() };
        }
        for library in read {
            let name = library.name.clone();
            next.add(library, policy == Policy::Replace).map_err(|error| match error {
                Taken::Library => Error::owned(format!("ERR Library {name} already exists")),
                Taken::Function(error) => error,
            })?;
        }
        *libraries = next;
        drop(libraries);
        self.pool.clear();
        Ok(())
    }
}

const BAD_PAYLOAD: &str = "ERR Failed loading functions payload";

/// A fault in the words that stand behind `Error registering functions:`.
fn describe(fault: &Fault) -> String {
    match fault {
        Fault::Syntax(text) => text.clone(),
        Fault::Raised { text, .. } => String::from_utf8_lossy(text).into_owned(),
        Fault::Killed { .. } => "ERR FUNCTION LOAD timeout".to_owned(),
        Fault::Memory => "ERR not enough memory".to_owned(),
    }
}

/// What a library may do while it is loaded.
struct Loading<'l> {
    began_us: u64,
    now_us: &'l dyn Fn() -> u64,
    outside: &'l dyn Outside,
}

impl Host for Loading<'_> {
    fn call(&mut self, _: &[&[u8]], _: Protocol, out: &mut Vec<u8>) {
        encode::error(out, "ERR no command can be called while a library is loaded");
    }

    fn log(&mut self, level: Level, text: &[u8]) {
        self.outside.log(super::run::level_of(level), &String::from_utf8_lossy(text));
    }

    fn may_call(&mut self, _: &[&[u8]]) -> Option<bool> {
        None
    }

    fn tick(&mut self) -> Tick {
        let took_us = (self.now_us)().saturating_sub(self.began_us);
        if took_us > MAX_LOAD_US { Tick::Kill } else { Tick::GoOn }
    }
}
