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
    redis.call("HSET", key, "n", 0, "created", fleet, "createdAt", now)
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

--[[ Gone without a word: overdue if its deadline has passed, else the node was lost. ]]
local function endAttempt(prefix, key, deadlines, job, record, why, fleet, now)
  local attempt = job .. "." .. record.n
  local due = tonumber(redis.call("ZSCORE", deadlines, attempt) or math.huge)
  if why == "" and record.started then
    why = due <= fleet and "deadline" or "node_lost"
  end
  freeSlot(prefix, attempt, record.node, record.incarnation, now)
  if why == "node_lost" then
    record.rehomes = redis.call("HINCRBY", key, "rehomes", 1)
  elseif why ~= "" and why ~= "engine_busy" and why ~= "dependency_down" then
    record.errors, record.code = redis.call("HINCRBY", key, "errors", 1), why
    redis.call("HSET", key, "code", why)
    blameNode(prefix, record.node, record.incarnation, now)
  end
  record.endedAt = fleet
  redis.call("HSET", key, "endedAt", fleet)
  redis.call("HDEL", key, "open", "started", "stage", "noNodeAt")
end

local function beginAttempt(key, n, node, incarnation)
  redis.call("HSET", key, "n", n, "node", node, "incarnation", incarnation, "open", 1)
  redis.call("HDEL", key, "noNodeAt")
  redis.call("HINCRBY", key, "t:" .. node, 1)
end
