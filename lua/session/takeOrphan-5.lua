--[[
  A resume by nobody: a session that nobody has attended for as long as it waits gets a new epoch, under
  which its rest can be cut and it can be closed. Whoever does not come to that is followed by another.

    Input:
      KEYS[1] session hash
      KEYS[2] sessions  (zset: session -> last seen on the fleet's clock, ms)
      KEYS[3] clock
      KEYS[4] order     (hash: head)
      KEYS[5] held      (zset: index -> ms)

      ARGV[1] prefix; gateway:<g> of the old connection and utterances:<job> are built from it
      ARGV[2] session id
      ARGV[3] how long a session waits for its client, ms
      ARGV[4] when it is an orphan again if it is not closed by then, ms
      ARGV[5] now, ms, or ''

    Output:
      taken, epoch, request, how many indices are taken
      attended, unknown_session
]]
--- @include "clock"
--- @include "epoch"
--- @include "taken"
local now = wallClock(ARGV[5])
local fleet, wait = fleetClock(KEYS[3], now), tonumber(ARGV[3])
local seen = redis.call("ZSCORE", KEYS[2], ARGV[2])
if not seen or tonumber(seen) + wait > fleet then
  return { "attended" }
end
-- Before all that may fail: a session that cannot be read holds up no other.
redis.call("ZADD", KEYS[2], fleet - wait + ARGV[4], ARGV[2])
local was = redis.call("HMGET", KEYS[1], "epoch", "gateway", "request")
if not was[1] then
  redis.call("ZREM", KEYS[2], ARGV[2])
  return { "unknown_session" }
end
local epoch = nextEpoch(was[1], now)
redis.call("HSET", KEYS[1], "epoch", epoch)
supersede(ARGV[1], was[2], ARGV[2], epoch)
return { "taken", epoch, was[3], takenIndices(ARGV[1], ARGV[2], KEYS[4], KEYS[5]) }
