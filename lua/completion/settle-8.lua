--[[
  Count an outcome once: the first accepted one of an index stays, and goes out in order.

    Input:
      KEYS[1] session hash
      KEYS[2] order     (hash: head, seq)
      KEYS[3] held      (zset: index -> ms)
      KEYS[4] outcomes  (hash: index -> outcome, '' once released)
      KEYS[5] outbox    (stream: seq -> result)
      KEYS[6] dedup     (zset: job id -> ms): accepted within the window
      KEYS[7] attempt record of the job
      KEYS[8] heads     (zset: session -> ms)

      ARGV[1] prefix; slots:<n>-<inc>, deadlines, node:<n>, profile:<p>, waiting:<pairs> and gateway:<g> are
              built from it
      ARGV[2] session id
      ARGV[3] index
      ARGV[4] job id
      ARGV[5] number of the attempt that gave it, or '' for an outcome that needs none
      ARGV[6] outcome, a JSON object
      ARGV[7] dedup window, ms
      ARGV[8] life of the session's keys, ms
      ARGV[9] life of the attempt record from now on, ms
      ARGV[10] most results that may wait for their acknowledgement
      ARGV[11] now, ms, or ''

    Output:
      settled, job ...   and the waiting jobs that could be placed on the node that is freed
      duplicate, already_settled, superseded, unknown_session
]]
--- @include "clock"
--- @include "pool"
--- @include "choose"
--- @include "waiting"
--- @include "release"
local PROMOTED = 4
local session, index, job = ARGV[2], tonumber(ARGV[3]), ARGV[4]
local now = wallClock(ARGV[11])
local record =
  redis.call("HMGET", KEYS[7], "n", "node", "incarnation", "open", "started", "createdAt")
local current = ARGV[5] == "" or ARGV[5] == record[1]
if current and record[4] == "1" then
  freeSlot(ARGV[1], job .. "." .. record[1], record[2], record[3], now)
  redis.call("HDEL", KEYS[7], "open")
  redis.call("PEXPIRE", KEYS[7], ARGV[9])
end
leaveWaiting(ARGV[1], KEYS[7], job)
local gateway = redis.call("HGET", KEYS[1], "gateway")
if not gateway then
  return { "unknown_session" }
end
redis.call("ZREMRANGEBYSCORE", KEYS[6], "-inf", now - ARGV[7])
if redis.call("ZSCORE", KEYS[6], job) then
  return { "duplicate" }
elseif redis.call("HEXISTS", KEYS[4], index) == 1 then
  return { "already_settled" }
elseif not current then
  return { "superseded" }
end

local created = tonumber(record[6] or now)
local waited = math.max(0, tonumber(record[5] or now) - created)
local total = math.max(0, now - created)
local timed = '{"attempts":%d,"waitMs":%d,"totalMs":%d,'
redis.call("ZADD", KEYS[6], now, job)
redis.call("HSET", KEYS[4], index, timed:format(record[1] or 0, waited, total) .. ARGV[6]:sub(2))
local keys = { order = KEYS[2], held = KEYS[3], outcomes = KEYS[4], outbox = KEYS[5], heads = KEYS[8] }
local head = tonumber(redis.call("HGET", KEYS[2], "head"))
local words, count
if index < head then
  words, count = emitOutcome(keys, index, 1), 1
else
  redis.call("ZADD", KEYS[3], now, index)
  words, count = release(keys, session, head)
end
for i = 1, 6 do
  redis.call("PEXPIRE", KEYS[i], ARGV[8])
end
if redis.call("XLEN", KEYS[5]) >= tonumber(ARGV[10]) then
  redis.call("HSET", KEYS[1], "state", "closed", "reason", "slow_consumer")
  redis.call("ZREM", ARGV[1] .. ":sessions", session)
  redis.call("PUBLISH", ARGV[1] .. ":gateway:" .. gateway, "overflow " .. session)
end
redis.call("PUBLISH", ARGV[1] .. ":gateway:" .. gateway, "wake " .. session .. (count == 1 and words or ""))
return { "settled", unpack(record[2] and nextFor(ARGV[1], record[2], PROMOTED) or {}) }
