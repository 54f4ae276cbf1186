--[[
  The head has kept others waiting for too long: a marker takes its place and the run behind it flows.
  Its outcome comes when it comes.

    Input:
      KEYS[1] session hash
      KEYS[2] order     (hash: head, seq)
      KEYS[3] held      (zset: index -> ms)
      KEYS[4] outcomes  (hash: index -> outcome, '' once released)
      KEYS[5] outbox    (stream: seq -> result)
      KEYS[6] heads     (zset: session -> since when the first outcome waits, ms)

      ARGV[1] prefix; gateway:<g> is built from it
      ARGV[2] session id
      ARGV[3] longest wait, ms
      ARGV[4] now, ms, or ''

    Output:
      marked, index
      early, unknown_session
]]
--- @include "clock"
--- @include "release"
local gateway = redis.call("HGET", KEYS[1], "gateway")
if not gateway then
  redis.call("ZREM", KEYS[6], ARGV[2])
  return { "unknown_session" }
end
local since = redis.call("ZSCORE", KEYS[6], ARGV[2])
if not since or since + ARGV[3] > wallClock(ARGV[4]) then
  return { "early" }
end
local keys = { order = KEYS[2], held = KEYS[3], outcomes = KEYS[4], outbox = KEYS[5], heads = KEYS[6] }
local head = tonumber(redis.call("HGET", KEYS[2], "head"))
emit(keys.outbox, keys.order, head, "gap", 1)
release(keys, ARGV[2], head + 1)
redis.call("PEXPIRE", keys.outbox, redis.call("PTTL", KEYS[1]))
redis.call("PUBLISH", ARGV[1] .. ":gateway:" .. gateway, "wake " .. ARGV[2])
return { "marked", head }
