-- Makes the globals of scripts: see sandbox.rs. Gets the table of `redis`, answers the globals, the
-- front before them, and the function that runs a script.
local redis, libraries = ...
local caught, place = redis.caught, redis.place
redis.caught, redis.place = nil, nil

local error, getmetatable, next = error, getmetatable, next
local rawget, rawset = rawget, rawset
local setmetatable, tostring, type, xpcall = setmetatable, tostring, type, xpcall
local pcall, resume = pcall, coroutine.resume

local READONLY = "Attempt to modify a readonly table"
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

-- Errors of ours travel as what only we know; whoever catches one sees a table or a string.
local function outcome(done, first, ...)
  if done then
    return done, first, ...
  end
  return false, caught(first)
end

local coroutines = {}
for name, value in next, coroutine do
  coroutines[name] = value
end

function coroutines.resume(...)
  return outcome(resume(...))
end

local globals = {
  _VERSION = _VERSION,
  assert = assert,
  coroutine = readonly(coroutines),
  error = error,
  ipairs = ipairs,
  math = readonly(math),
  os = readonly({ clock = os.clock }),
  rawequal = rawequal,
  redis = readonly(redis),
  select = select,
  server = readonly(redis),
  string = readonly(string),
  table = readonly(table),
  tonumber = tonumber,
  tostring = tostring,
  type = type,
  unpack = unpack,
}

for name, library in next, libraries do
  globals[name] = readonly(library)
end

function globals.pcall(...)
  return outcome(pcall(...))
end

function globals.xpcall(body, handler)
  return xpcall(body, function(err)
    return handler(caught(err))
  end)
end

function globals.getmetatable(value)
  local meta = getmetatable(value)
  if type(meta) ~= "table" then
    return meta
  end
  if behind[value] or type(value) ~= "table" then
    return readonly(meta)
  end
  return meta
end

function globals.setmetatable(table, meta)
  if behind[table] then
    error(READONLY, 2)
  end
  return setmetatable(table, meta)
end

function globals.rawget(table, key)
  return rawget(behind[table] or table, key)
end

function globals.rawset(table, key, value)
  if behind[table] then
    error(READONLY, 2)
  end
  return rawset(table, key, value)
end

function globals.next(table, key)
  return next(behind[table] or table, key)
end

function globals.pairs(table)
  return next, behind[table] or table, nil
end

local front = readonly(globals, function(_, name)
  error("Script attempted to access nonexistent global variable '" .. tostring(name) .. "'", 2)
end)
globals._G = front

local function describe(err)
  err = caught(err)
  local level = place()
  if type(err) ~= "table" then
    err = { err = "ERR " .. tostring(err) }
  end
  if level and not err.source then
    err.source, err.line = level.source, level.line
  end
  return err
end

local function guarded(script)
  return xpcall(script, describe)
end

return globals, front, guarded
