-- Makes the globals of scripts: see sandbox.rs. Gets the table of `redis`, the other libraries and
-- what only this file may call; answers the globals and the functions by which scripts are run.
local redis, libraries, inner = ...
local caught, report, load = inner.caught, inner.report, inner.loadstring

local error, getmetatable, next = error, getmetatable, next
local rawget, rawset = rawget, rawset
local setmetatable, tostring, type, xpcall = setmetatable, tostring, type, xpcall
local pcall, resume, wrap = pcall, coroutine.resume, coroutine.wrap
local insert, unpack = table.insert, unpack

local READONLY = "Attempt to modify a readonly table"
-- More results than this do not fit Lua's stack.
local MAX_RESULTS = 8000
-- Each part of a pattern may take a level of C's stack.
local MAX_PATTERN = 2000
-- Front to the table behind it.
local behind = setmetatable({}, { __mode = "k" })

local function refuse()
  error(READONLY, 2)
end

local function readonly(table, missing)
  local front = {}
  if missing then
    setmetatable(table, { __index = missing })
  end
  behind[front] = table
  return setmetatable(front, { __index = table, __newindex = refuse })
end

local function missing(_, name)
  error("Script attempted to access nonexistent global variable '" .. tostring(name) .. "'", 2)
end

-- Errors of ours travel as what only we know; whoever catches one sees a table or a string.
-- A command's error is a string for `pcall`, a table for the handler of `xpcall`.
local function outcome(done, first, ...)
  if done then
    return done, first, ...
  end
  first = caught(first)
  if type(first) == "table" and not behind[first] then
    local text = rawget(first, "err")
    if type(text) == "string" then
      first = text
    end
  end
  return false, first
end

local coroutines = {}
for name, value in next, coroutine do
  coroutines[name] = value
end

local function resumed(done, first, ...)
  if done then
    return done, first, ...
  end
  return false, caught(first)
end

function coroutines.resume(...)
  return resumed(resume(...))
end

-- The library's matching goes as deep as a pattern is long.
for _, name in next, { "find", "match", "gmatch", "gsub" } do
  local match = string[name]
  string[name] = function(text, pattern, ...)
    if type(pattern) == "string" and #pattern > MAX_PATTERN then
      local from, plain = ...
      if name ~= "find" or not plain then
        error("pattern too complex", 2)
      end
    end
    return match(text, pattern, ...)
  end
end

function table.insert(list, ...)
  if behind[list] then
    error(READONLY, 2)
  end
  return insert(list, ...)
end

local function bounded_unpack(list, from, to)
  if type(list) == "table" then
    local first, last = from or 1, to or #list
    -- Differences of numbers are exact where those of C's integers overflow.
    if not (last - first < MAX_RESULTS) then
      error("too many results to unpack", 2)
    end
  end
  -- What is given takes room among the results.
  if from == nil and to == nil then
    return unpack(list)
  end
  return unpack(list, from, to)
end

local shared = {
  _VERSION = _VERSION,
  assert = assert,
  coroutine = readonly(coroutines),
  error = error,
  ipairs = ipairs,
  math = readonly(math),
  os = readonly({ clock = os.clock }),
  rawequal = rawequal,
  select = select,
  string = readonly(string),
  table = readonly(table),
  tonumber = tonumber,
  tostring = tostring,
  type = type,
  unpack = bounded_unpack,
}

for name, library in next, libraries do
  shared[name] = readonly(library)
end

-- What strings have in common is not to be reached by way of one of them.
local of_strings = readonly({ __index = shared.string })

function shared.pcall(...)
  return outcome(pcall(...))
end

-- Not the library's, which calls the handler where the error was raised: for the error that ends a
-- script that is in the hook, where no further hook would end the handler.
local function handled(handler, done, first, ...)
  if done then
    return done, first, ...
  end
  local is_fine, result = pcall(handler, caught(first))
  if is_fine then
    return false, result
  end
  return false, "error in error handling"
end

function shared.xpcall(body, handler)
  return handled(handler, pcall(body))
end

function shared.getmetatable(value)
  if type(value) == "string" then
    return of_strings
  end
  if type(value) ~= "table" or behind[value] then
    return nil
  end
  return getmetatable(value)
end

function shared.setmetatable(table, meta)
  if behind[table] then
    error(READONLY, 0)
  end
  return setmetatable(table, meta)
end

function shared.rawget(table, key)
  return rawget(behind[table] or table, key)
end

function shared.rawset(table, key, value)
  if behind[table] then
    error(READONLY, 0)
  end
  return rawset(table, key, value)
end

local function each(table, key)
  return next(behind[table] or table, key)
end

shared.next = each

function shared.pairs(table)
  if behind[table] then
    return each, table, nil
  end
  return next, table, nil
end

-- An environment: its own names before those that all have.
local function environment(own, front)
  local globals = {}
  for name, value in next, shared do
    globals[name] = value
  end
  for name, value in next, own do
    globals[name] = value
  end
  setmetatable(globals, { __index = missing })
  behind[front] = globals
  setmetatable(front, { __index = globals, __newindex = refuse })
  local own_meta = readonly({ __index = front, __newindex = refuse })
  globals._G = front
  local of = globals.getmetatable
  function globals.getmetatable(value)
    if value == front then
      return own_meta
    end
    return of(value)
  end
  function globals.loadstring(...)
    return load(front, ...)
  end
  return globals
end

local function copy(table)
  local other = {}
  for name, value in next, table do
    other[name] = value
  end
  return other
end

local of_functions = copy(redis)
for _, name in next, { "replicate_commands", "breakpoint", "debug" } do
  of_functions[name] = nil
end
local while_loading = { register_function = inner.register_function }
for name, value in next, redis do
  if type(value) ~= "function" or name == "log" then
    while_loading[name] = value
  end
end

local api = readonly(redis)
local front = {}
local globals = environment({ redis = api, server = api }, front)

-- Libraries look through one front at one of two sets of globals.
local library_front = {}
local function_api = readonly(of_functions)
local running_globals = environment({ redis = function_api, server = function_api }, library_front)
local loading_api = readonly(while_loading, missing)
local loading_globals = { redis = loading_api, server = loading_api }
setmetatable(loading_globals, { __index = missing })
local look = getmetatable(library_front)

local function loading(is_loading)
  look.__index = is_loading and loading_globals or running_globals
  behind[library_front] = look.__index
end

-- The handler of errors that nobody has caught, called where they were raised.
local function describe(err)
  report(caught(err))
  return nil
end

local function guarded(body)
  return (xpcall(body, describe))
end

return {
  globals = globals,
  environment = front,
  function_environment = library_front,
  guarded = guarded,
  describe = describe,
  loading = loading,
}
