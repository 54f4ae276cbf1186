--[[
  The attempt record, the one truth about the current attempt at an utterance. Hash:
    n                   ordinal of the last attempt, 0 before the first
    node, incarnation   where it is; open = 1 until it has ended
    started, stage      set by progress; a re-home counts only if it had started
    created, endedAt, noNodeAt   instants on the fleet's clock, ms
    createdAt           instant on the wall clock of Redis, ms: timings
    errors, rehomes, code        what the bounds look at; the last error
    t:<node>            attempts on that node
]]
local function readAttempt(key, fleet, now, life)
  if redis.call("EXISTS", key) == 0 then
    -- To the microsecond: of two that came in one millisecond the first stands before the second in line.
    local created = fleet + redis.call("TIME")[2] % 1000 / 1000
    redis.call("HSET", key, "n", 0, "created", created, "createdAt", now)
  end
  redis.call("PEXPIRE", key, life)
  local was = redis.call(
    "HMGET", key, "n", "node", "incarnation", "open", "started", "created", "endedAt", "errors", "rehomes", "code"
  )
  return {
    n = tonumber(was[1]),
    node = was[2],
    incarnation = was[3],
    open = was[4] == "1",
    started = was[5],
    created = tonumber(was[6]),
    endedAt = tonumber(was[7] or 0),
    errors = tonumber(was[8] or 0),
    rehomes = tonumber(was[9] or 0),
    code = was[10],
  }
end

local UNABLE_MS = 60000
local UNCOUNTED = { [""] = true, engine_busy = true, dependency_down = true }

--[[
  Ends the attempt `it.record`: frees its slot and counts how it ended. Gone without a word, it is overdue
  if its deadline has passed, else its node was lost. A missing engine is the node's lack, not an error.
]]
local function endAttempt(prefix, pairs, it)
  local record, why = it.record, it.why
  local attempt = it.job .. "." .. record.n
  local due = tonumber(redis.call("ZSCORE", prefix .. ":deadlines", attempt) or math.huge)
  if why == "" and record.started then
    why = due <= it.fleet and "deadline" or "node_lost"
  end
  freeSlot(prefix, attempt, record.node, record.incarnation, it.now)
  if why == "node_lost" then
    record.rehomes = redis.call("HINCRBY", it.key, "rehomes", 1)
  elseif why == "engine_missing" then
    for pair in pairs:gmatch("%S+") do
      redis.call("SET", prefix .. ":unable:" .. record.node .. ":" .. pair, 1, "PX", UNABLE_MS)
    end
  elseif not UNCOUNTED[why] then
    record.errors, record.code = redis.call("HINCRBY", it.key, "errors", 1), why
    redis.call("HSET", it.key, "code", why)
    blameNode(prefix, record.node, record.incarnation, it.now)
  end
  record.endedAt = it.fleet
  redis.call("HSET", it.key, "endedAt", it.fleet)
  redis.call("HDEL", it.key, "open", "started", "stage", "noNodeAt")
end

local function beginAttempt(key, n, node, incarnation)
  redis.call("HSET", key, "n", n, "node", node, "incarnation", incarnation, "open", 1)
  redis.call("HDEL", key, "noNodeAt")
  redis.call("HINCRBY", key, "t:" .. node, 1)
end
