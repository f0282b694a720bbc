//! Attempts to get out of the sandbox, to stay alive after a kill, or to take more than is given.
//! Each fails with the guard that the test names; without it, it gets through.

use larder_lua::{Body, Fault, Host, Interpreter, Level, Limits, Run, Sink, Source, Tick};
use larder_resp::Protocol;
use std::sync::atomic::{AtomicI32, Ordering};

/// A host that answers every command with its own words and kills after so many ticks.
#[derive(Default)]
struct Echo {
    ticks: u64,
    kill_after: Option<u64>,
}

impl Host for Echo {
    fn call(&mut self, words: &[&[u8]], _: Protocol, out: &mut Vec<u8>) {
        if words[0] == b"fail" {
            return larder_resp::encode::error(out, "ERR failed");
        }
        larder_resp::encode::array(out, words.len());
        words.iter().for_each(|word| larder_resp::encode::bulk(out, word));
    }
    fn log(&mut self, _: Level, _: &[u8]) {}
    fn may_call(&mut self, _: &[&[u8]]) -> Option<bool> {
        Some(true)
    }
    fn tick(&mut self) -> Tick {
        self.ticks += 1;
        match self.kill_after {
            Some(most) if self.ticks > most => Tick::Kill,
            _ => Tick::GoOn,
        }
    }
}

/// What a script returned, written down.
#[derive(Default, Debug)]
struct Written(String);

impl Written {
    fn word(&mut self, word: &str) {
        if !self.0.is_empty() {
            self.0.push(' ');
        }
        self.0.push_str(word);
    }
}

impl Sink for Written {
    fn null(&mut self) {
        self.word("null");
    }
    fn int(&mut self, value: i64) {
        self.word(&value.to_string());
    }
    fn bulk(&mut self, bytes: &[u8]) {
        self.word(&String::from_utf8_lossy(bytes));
    }
    fn simple(&mut self, text: &[u8]) {
        self.word(&format!("+{}", String::from_utf8_lossy(text)));
    }
    fn error(&mut self, text: &[u8], _: bool) {
        self.word(&format!("-{}", String::from_utf8_lossy(text)));
    }
    fn array(&mut self, len: usize) {
        self.word(&format!("*{len}"));
    }
    fn map(&mut self, len: usize) {
        self.word(&format!("%{len}"));
    }
    fn set(&mut self, len: usize) {
        self.word(&format!("~{len}"));
    }
    fn double(&mut self, value: f64) {
        self.word(&format!(",{value}"));
    }
    fn boolean(&mut self, value: bool) {
        self.word(&format!("#{value}"));
    }
    fn big_number(&mut self, digits: &[u8]) {
        self.word(&format!("({}", String::from_utf8_lossy(digits)));
    }
    fn verbatim(&mut self, _: [u8; 3], text: &[u8]) {
        self.word(&format!("={}", String::from_utf8_lossy(text)));
    }
}

fn interpreter() -> Interpreter {
    Interpreter::new(Limits { memory: 16 << 20, scripts: 100, seed: 0 }).unwrap()
}

fn run_in(lua: &mut Interpreter, script: &str, host: &mut Echo) -> Result<String, Fault> {
    static NEXT: AtomicI32 = AtomicI32::new(1);
    let id = NEXT.fetch_add(1, Ordering::Relaxed);
    let source = Source { id, text: script.as_bytes().into() };
    let mut written = Written::default();
    let run = Run { body: Body::Script(&source), keys: &[b"k"], args: &[b"a"] };
    lua.run(run, host, &mut written).map(|()| written.0)
}

fn run(script: &str) -> Result<String, Fault> {
    run_in(&mut interpreter(), script, &mut Echo::default())
}

/// What a script says; a fault as its text.
fn say(script: &str) -> String {
    match run(script) {
        Ok(text) => text,
        Err(Fault::Raised { text, .. }) => String::from_utf8_lossy(&text).into_owned(),
        Err(fault) => format!("{fault:?}"),
    }
}

/// Guard: `ChunkMode::Text` for scripts and `loadstring`.
#[test]
fn precompiled_chunks_are_no_lua() {
    let dumped = "local code = string.dump(function() return 1 end)";
    let said = say(&format!("{dumped} local f = loadstring(code) return tostring(f)"));
    assert_eq!(said, "nil");
    assert!(matches!(run("\u{1b}Lua"), Err(Fault::Syntax(_))));
}

/// Guard: what is not among the globals of the prelude.
#[test]
fn roads_to_other_environments_are_not_there() {
    for name in [
        "getfenv",
        "setfenv",
        "debug",
        "io",
        "load",
        "dofile",
        "loadfile",
        "require",
        "module",
        "package",
        "newproxy",
        "collectgarbage",
        "gcinfo",
        "print",
    ] {
        let said = say(&format!("return {name}"));
        assert!(said.contains("nonexistent global variable"), "{name}: {said}");
        assert_eq!(say(&format!("return tostring(rawget(_G, '{name}'))")), "nil");
    }
    assert_eq!(
        say("return tostring(os.execute) .. tostring(os.exit) .. tostring(os.getenv)"),
        "nilnilnil"
    );
}

/// Guard: `getmetatable` of the prelude answers a front for strings.
#[test]
fn what_strings_have_in_common_is_read_only() {
    for script in [
        "getmetatable('').__index = {}",
        "getmetatable('').__index.rep = 1",
        "getmetatable('').__add = 1",
        "rawset(getmetatable(''), '__index', 1)",
        "rawset(getmetatable('').__index, 'rep', 1)",
        "setmetatable(getmetatable(''), {})",
        "string.rep = 1",
        "table.insert(string, 1)",
    ] {
        let said = say(script);
        assert!(said.contains("Attempt to modify a readonly table"), "{script}: {said}");
    }
    let mut lua = interpreter();
    let mut host = Echo::default();
    let _ =
        run_in(&mut lua, "getmetatable('').__index.rep = function() return 'owned' end", &mut host);
    assert_eq!(run_in(&mut lua, "return ('x'):rep(2)", &mut host).unwrap(), "xx");
}

/// Guard: fronts, and `pairs`, `next`, `rawset`, `setmetatable`, `table.insert` that know them.
#[test]
fn globals_and_libraries_are_read_only() {
    for script in [
        "x = 1",
        "_G.x = 1",
        "redis.call = nil",
        "rawset(_G, 'x', 1)",
        "rawset(redis, 'x', 1)",
        "setmetatable(_G, {})",
        "setmetatable(redis, {})",
        "getmetatable(_G).__newindex = nil",
        "getmetatable(_G).__index.x = 1",
        "table.insert(redis, 1)",
        "table.insert(_G, 1)",
        "cjson.encode = 1",
        "math.random = 1",
        "os.clock = 1",
        "coroutine.create = 1",
        "getmetatable(_G).__index.redis = 1",
        "local _, behind = pairs(redis) behind.call = 1",
        "local _, behind = pairs(_G) behind.x = 1",
    ] {
        let said = say(script);
        assert!(said.contains("Attempt to modify a readonly table"), "{script}: {said}");
    }
    assert_eq!(say("return tostring(getmetatable(redis))"), "nil");
    assert_eq!(say("return tostring(getmetatable(cjson.null))"), "nil");
    // What one script leaves behind, the next does not find.
    let mut lua = interpreter();
    let mut host = Echo::default();
    let _ = run_in(&mut lua, "local _, t = pairs(redis) t.left = 1", &mut host);
    let _ = run_in(&mut lua, "local _, t = pairs(string) t.left = 1", &mut host);
    let found = "return tostring(redis.left) .. tostring(string.left)";
    assert_eq!(run_in(&mut lua, found, &mut host).unwrap(), "nilnil");
}

/// Guard: `bounded_unpack` of the prelude.
#[test]
fn unpack_has_bounds() {
    for bounds in [
        "1, 1e8",
        "0, 2147483647",
        "-2147483648, 2147483647",
        "1, 1/0",
        "0/0, 1",
        "1, 8000",
        "-1, 2147483646",
    ] {
        let said = say(&format!("return {{unpack({{}}, {bounds})}}"));
        assert!(said.contains("too many results to unpack"), "{bounds}: {said}");
    }
    assert_eq!(say("return {unpack({1, 2, 3}, 2)}"), "*2 2 3");
    assert_eq!(say("return {unpack({1, 2, 3}, 3, 1)}"), "*0");
}

/// Guard: Lua's own limits of C and Lua stacks, and that of patterns in the prelude.
#[test]
fn recursion_ends_before_the_stack_does() {
    for (script, text) in [
        ("local function f() return 1 + f() end return f()", "stack overflow"),
        ("local t = setmetatable({}, {}) getmetatable(t).__index = t return t.x", "loop"),
        ("local f f = function() return select(2, pcall(f)) end return f()", "C stack overflow"),
        (
            "local s = string.rep('(', 300) return tostring(select(2, loadstring('return ' .. s)))",
            "chunk has too many syntax levels",
        ),
        ("return string.find(string.rep('a', 1e6), string.rep('a?', 5e5))", "pattern too complex"),
        ("return ('x'):gsub(('a?'):rep(1e5), '')", "pattern too complex"),
        (
            "local function f(n) return coroutine.wrap(function() return f(n + 1) end)() end \
             return f(1)",
            "C stack overflow",
        ),
    ] {
        let said = say(script);
        assert!(said.contains(text), "{script}: {said}");
    }
    // A long text may be looked for as it is.
    assert_eq!(say("return (('x'):rep(5000)):find(('x'):rep(4000), 1, true)"), "1");
}

/// Guard: the depth of `convert::write`.
#[test]
fn results_without_end_are_cut() {
    let said = say("local a = {} local b = {a} a[1] = b return a");
    assert!(said.starts_with("*1 *1") && said.ends_with("-ERR reached lua stack limit"), "{said}");
}

/// Guard: the memory limit.
#[test]
fn memory_bombs_go_off_inside() {
    for script in [
        "local t = {} while true do t[#t + 1] = {1, 2, 3} end",
        "local s = 'abcdefgh' while true do s = s .. s end",
        "return string.rep('x', 1e9)",
        "local t = {} while true do pcall(function() t[#t + 1] = ('x'):rep(1e5) .. #t end) end",
        "local f = '' while true do f = f .. f .. 'x' f = string.format('%s%s', f, f) end",
        "local t = {} for i = 1, 1e9 do t[i] = function() return i end end",
        "local t = {} for i = 1, 1e9 do t[i] = coroutine.create(function() end) end",
        "return cmsgpack.pack(('x'):rep(12e6), ('y'):rep(12e6))",
        "local t = {} while true do t[#t + 1] = redis.call('echo', ('x'):rep(1e6) .. #t) end",
    ] {
        let mut host = Echo { kill_after: Some(20_000), ..Echo::default() };
        let fault = run_in(&mut interpreter(), script, &mut host).unwrap_err();
        assert!(matches!(fault, Fault::Memory), "{script}: {fault:?}");
    }
}

/// Guard: the collector stands still while a source is compiled.
#[test]
fn the_collector_meets_no_half_compiled_chunk() {
    let script = "for i = 1, 300 do \
                    local names = {} \
                    for j = 1, 200 do names[j] = 'local v' .. i .. '_' .. j % 150 .. ' = ' .. j end \
                    loadstring(table.concat(names, ' ', 1, 150)) \
                  end return 'fine'";
    assert_eq!(say(script), "fine");
}

/// Guard: from the first attempt on the hook fires at every instruction, in every coroutine.
#[test]
fn nothing_survives_a_kill() {
    for script in [
        "while true do end",
        "while true do pcall(function() while true do end end) end",
        "local function f() while true do end end while true do pcall(f) end",
        "while true do pcall(pcall, error) end",
        "while true do xpcall(function() while true do end end, function() while true do end end) end",
        "while true do local c = coroutine.create(function() while true do end end) \
         coroutine.resume(c) end",
        "local c c = coroutine.wrap(function() while true do pcall(coroutine.yield) end end) \
         while true do pcall(c) end",
        "local t = setmetatable({}, {__index = function(t, k) while true do end end}) \
         while true do pcall(function() return t.x end) end",
        "while true do pcall(table.sort, {3, 2, 1}, function() while true do end end) end",
        "while true do pcall(string.gsub, 'abc', '.', function() while true do end end) end",
        "while true do pcall(redis.call, 'x') end",
    ] {
        let mut host = Echo { kill_after: Some(3), ..Echo::default() };
        let fault = run_in(&mut interpreter(), script, &mut host).unwrap_err();
        assert!(matches!(fault, Fault::Killed { .. }), "{script}: {fault:?}");
        assert!(host.ticks < 50, "{script}: {} looks", host.ticks);
    }
}

/// Guard: errors of ours are tables or strings for scripts, never what carries them.
#[test]
fn errors_carry_nothing_of_ours() {
    for script in [
        "local _, e = pcall(redis.call, 'fail') return type(e)",
        "local _, e = pcall(redis.log) return type(e)",
        "local _, e = pcall(cjson.decode, '{') return type(e)",
        "local _, e = pcall(coroutine.wrap(function() cjson.decode('{') end)) return type(e)",
        "local _, e = coroutine.resume(coroutine.create(function() cjson.decode('{') end)) \
         return type(e)",
    ] {
        assert_eq!(say(script), "string", "{script}");
    }
    for script in [
        "local _, e = xpcall(function() cjson.decode('{') end, type) return e",
        "local _, e = xpcall(function() redis.call('fail') end, type) return e",
    ] {
        assert!(["string", "table"].contains(&&*say(script)), "{script}");
    }
}

/// Guard: the length of a source.
#[test]
fn sources_have_a_length() {
    let script = "local s = ('='):rep(1e6) return tostring(loadstring('return [' .. s .. '['))";
    assert_eq!(say(script), "nil");
}
