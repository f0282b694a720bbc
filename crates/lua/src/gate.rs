//! The gate between Lua and the outside: what belongs to the run that is under way, and the C
//! functions by which a script reaches its host.
//!
//! Lua leaves a C function by jumping when it runs out of memory or raises an error. A jump must
//! not pass a frame that owns something, so every function here that calls Lua owns nothing: what
//! needs memory lies in [`Lent`], and work that allocates is done in functions that do not call
//! Lua. Next: [`crate::convert`].
#![allow(unsafe_code)]

use crate::convert::{push_error, push_reply};
use crate::fault::{Fault, Place};
use crate::libraries::Loading;
use crate::{Host, Tick};
use larder_resp::{DoubleText, Protocol, encode, format_double};
use mlua::ffi::{
    LUA_MASKCOUNT, LUA_REGISTRYINDEX, LUA_TNUMBER, LUA_TSTRING, lua_Debug, lua_State, lua_error,
    lua_getinfo, lua_gettop, lua_pushlightuserdata, lua_pushlstring_, lua_rawget_, lua_rawset,
    lua_replace, lua_sethook, lua_settop, lua_tolstring, lua_tonumber, lua_touserdata, lua_type,
    lua_upvalueindex,
};
use smallvec::SmallVec;
use std::any::Any;
use std::cell::{Cell, RefCell, UnsafeCell};
use std::ffi::{CStr, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;

/// Instructions between two looks at the clock.
const TICK_EVERY: c_int = 10_000;

/// A reply's buffer above this size is given back after the run.
const MAX_KEPT_REPLY: usize = 64 << 10;

/// What belongs to the run that is under way.
pub(crate) struct Lent {
    host: Cell<Option<NonNull<dyn Host>>>,
    /// The protocol in which the script wants its replies.
    pub(crate) protocol: Cell<Protocol>,
    killed: Cell<bool>,
    /// The state in which runs begin.
    main: Cell<*mut lua_State>,
    /// Where it was when it was killed.
    killed_at: RefCell<Option<Place>>,
    /// The last command's reply; only [`ask`] writes it.
    reply: UnsafeCell<Vec<u8>>,
    /// What a command's panic has thrown, on its way past Lua.
    thrown: RefCell<Option<Box<dyn Any + Send>>>,
    /// What the handler of errors has understood.
    pub(crate) fault: RefCell<Option<Fault>>,
    /// The library that is being loaded.
    pub(crate) loading: RefCell<Option<Loading>>,
}

impl Lent {
    pub(crate) fn new() -> Self {
        Lent {
            host: Cell::new(None),
            protocol: Cell::new(Protocol::Resp2),
            killed: Cell::new(false),
            main: Cell::new(std::ptr::null_mut()),
            killed_at: RefCell::default(),
            reply: UnsafeCell::default(),
            thrown: RefCell::default(),
            fault: RefCell::default(),
            loading: RefCell::default(),
        }
    }

    /// Does something with the host of the script that runs; `None` while none does.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut dyn Host) -> R) -> Option<R> {
        let mut host = self.host.take()?;
        // SAFETY: `lend` got it from a unique borrow that outlives the loan; it was taken out of
        // the cell, so nobody else reaches it until it is put back.
        let result = work(unsafe { host.as_mut() });
        self.host.set(Some(host));
        Some(result)
    }

    /// Lends a host for as long as the work lasts.
    pub(crate) fn lend<R>(&self, host: &mut dyn Host, work: impl FnOnce() -> R) -> R {
        struct Loan<'l>(&'l Lent);
        impl Drop for Loan<'_> {
            fn drop(&mut self) {
                self.0.host.set(None);
            }
        }
        let host: NonNull<dyn Host + '_> = NonNull::from(host);
        // SAFETY: only the lifetime changes; `loan` takes the pointer back before it ends.
        let host: NonNull<dyn Host + 'static> = unsafe { std::mem::transmute(host) };
        self.host.set(Some(host));
        self.protocol.set(Protocol::Resp2);
        let loan = Loan(self);
        let result = work();
        drop(loan);
        if let Some(thrown) = self.thrown.take() {
            std::panic::resume_unwind(thrown);
        }
        result
    }

    /// Where the run was killed, if it was.
    pub(crate) fn killed(&self) -> Option<Fault> {
        self.killed.get().then(|| Fault::Killed { at: self.killed_at.take() })
    }

    /// Gives back what a large reply took.
    pub(crate) fn tidy(&self) {
        // SAFETY: only `ask` and who called it look at it, and no script runs.
        let reply = unsafe { &mut *self.reply.get() };
        if reply.capacity() > MAX_KEPT_REPLY {
            *reply = Vec::new();
        }
    }

    fn should_end(&self) -> bool {
        if self.killed.get() {
            return true;
        }
        let tick = || self.with(|host| host.tick());
        match catch_unwind(AssertUnwindSafe(tick)) {
            Ok(tick) => tick == Some(Tick::Kill),
            Err(thrown) => {
                self.thrown.replace(Some(thrown));
                true
            }
        }
    }
}

/// The upvalue of functions that reach the host.
///
/// # Safety
/// The running function was made with a pointer to its interpreter's [`Lent`].
unsafe fn lent_of<'l>(state: *mut lua_State) -> &'l Lent {
    // SAFETY: as the caller promises; an interpreter drops its state before what is lent.
    unsafe { &*lua_touserdata(state, lua_upvalueindex(1)).cast::<Lent>() }
}

/// `redis.call`
pub(crate) unsafe extern "C-unwind" fn call(state: *mut lua_State) -> c_int {
    // SAFETY: called by Lua with a state, and made with what it lends.
    unsafe { answer(state, true) }
}

/// `redis.pcall`
pub(crate) unsafe extern "C-unwind" fn pcall(state: *mut lua_State) -> c_int {
    // SAFETY: called by Lua with a state, and made with what it lends.
    unsafe { answer(state, false) }
}

/// Runs the command on the stack and leaves its reply there. Owns nothing, see the module.
unsafe fn answer(state: *mut lua_State, raises: bool) -> c_int {
    // SAFETY: the reply is written by `ask` only, which no conversion calls.
    unsafe {
        let lent = lent_of(state);
        ask(state, lent);
        let reply: &[u8] = &*lent.reply.get();
        lua_settop(state, 0);
        if reply.first() == Some(&b'-') {
            push_error(state, reply);
            if raises {
                lua_error(state);
            }
            return 1;
        }
        push_reply(state, reply);
    }
    1
}

/// Has the host run the command whose words are on the stack. Calls nothing of Lua that jumps.
unsafe fn ask(state: *mut lua_State, lent: &Lent) {
    // SAFETY: nobody else looks at the reply while the command runs.
    let reply = unsafe { &mut *lent.reply.get() };
    reply.clear();
    let mut numbers: SmallVec<[DoubleText; 4]> = SmallVec::new();
    // SAFETY: reading numbers and strings of the stack neither changes it nor jumps; the strings
    // stay where they are as long as they are on the stack.
    let words = unsafe { words_of(state, &mut numbers) };
    let words = match words {
        Err(refusal) => return encode::error(reply, refusal),
        Ok(words) => words,
    };
    let run = || lent.with(|host| host.call(&words, lent.protocol.get(), reply));
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Some(())) => {}
        Ok(None) => encode::error(reply, "ERR no script runs"),
        Err(thrown) => {
            lent.thrown.replace(Some(thrown));
            lent.killed.set(true);
            reply.clear();
            encode::error(reply, "ERR the command has failed");
        }
    }
}

type Words<'n> = SmallVec<[&'n [u8]; 16]>;

unsafe fn words_of<'n>(
    state: *mut lua_State,
    numbers: &'n mut SmallVec<[DoubleText; 4]>,
) -> Result<Words<'n>, &'static str> {
    // SAFETY: as the caller promises.
    unsafe {
        let count = lua_gettop(state);
        if count == 0 {
            return Err("ERR Please specify at least one argument for this redis lib call");
        }
        for at in 1..=count {
            match lua_type(state, at) {
                LUA_TSTRING => {}
                LUA_TNUMBER => numbers.push(format_double(lua_tonumber(state, at))),
                _ => return Err("ERR Lua redis lib command arguments must be strings or integers"),
            }
        }
        let mut numbers = numbers.iter();
        let mut words = Words::with_capacity(count as usize);
        for at in 1..=count {
            words.push(match lua_type(state, at) {
                LUA_TSTRING => string_at(state, at),
                _ => numbers.next().map(DoubleText::as_bytes).unwrap_or_default(),
            });
        }
        Ok(words)
    }
}

/// A string of the stack.
///
/// # Safety
/// It is a string, and stays there as long as the slice is used.
pub(crate) unsafe fn string_at<'s>(state: *mut lua_State, at: c_int) -> &'s [u8] {
    let mut len = 0;
    // SAFETY: as the caller promises.
    unsafe {
        let bytes = lua_tolstring(state, at, &raw mut len);
        std::slice::from_raw_parts(bytes.cast::<u8>(), len)
    }
}

/// Pushes a string.
///
/// # Safety
/// There is room on the stack; the caller owns nothing.
pub(crate) unsafe fn push_string(state: *mut lua_State, bytes: &[u8]) {
    // SAFETY: as the caller promises.
    unsafe { lua_pushlstring_(state, bytes.as_ptr().cast(), bytes.len()) }
}

/// The place in the registry where a state's hook finds what is lent.
static LENT: u8 = 0;

fn lent_key() -> *mut c_void {
    (&raw const LENT).cast_mut().cast()
}

/// Sets the hook that asks the host again and again whether the script goes on.
///
/// # Safety
/// `lent` outlives the state; called where Lua may jump, by somebody who owns nothing.
pub(crate) unsafe fn watch(state: *mut lua_State, lent: *const Lent) {
    // SAFETY: as the caller promises.
    unsafe {
        lua_pushlightuserdata(state, lent_key());
        lua_pushlightuserdata(state, lent.cast_mut().cast());
        lua_rawset(state, LUA_REGISTRYINDEX);
        (*lent).main.set(state);
        lua_sethook(state, Some(hook), LUA_MASKCOUNT, TICK_EVERY);
    }
}

/// Ends the script when it should. From then on it is called at every instruction of the coroutine
/// that it ended and of the script's own, so that no `pcall` keeps the script alive.
unsafe extern "C-unwind" fn hook(state: *mut lua_State, info: *mut lua_Debug) {
    // SAFETY: called by Lua with a state that `watch` has prepared; a hook has room on the stack,
    // and nothing is owned here when `lua_error` jumps.
    unsafe {
        let top = lua_gettop(state);
        lua_pushlightuserdata(state, lent_key());
        lua_rawget_(state, LUA_REGISTRYINDEX);
        let lent = lua_touserdata(state, -1).cast::<Lent>();
        lua_settop(state, top);
        if lent.is_null() || !(*lent).should_end() {
            return;
        }
        if lua_getinfo(state, c"Sl".as_ptr(), info) != 0 {
            note_place(&*lent, info);
        }
        (*lent).killed.set(true);
        lua_sethook(state, Some(hook), LUA_MASKCOUNT, 1);
        lua_sethook((*lent).main.get(), Some(hook), LUA_MASKCOUNT, 1);
        push_string(state, KILLED);
        lua_error(state);
    }
}

/// What a killed script hears.
const KILLED: &[u8] = b"Script killed by user with SCRIPT KILL...";

unsafe fn note_place(lent: &Lent, info: *const lua_Debug) {
    let mut at = lent.killed_at.borrow_mut();
    if at.is_none() {
        // SAFETY: Lua has just filled it in.
        let (source, line) = unsafe { (CStr::from_ptr((*info).source), (*info).currentline) };
        let source = source.to_string_lossy().into_owned();
        let line = u32::try_from(line).unwrap_or_default();
        *at = source.starts_with('@').then_some(Place { source, line });
    }
}

/// Replaces what lies below the top by the top.
///
/// # Safety
/// There are two values on the stack at least.
pub(crate) unsafe fn replace_below(state: *mut lua_State) {
    // SAFETY: as the caller promises.
    unsafe { lua_replace(state, -2) }
}
