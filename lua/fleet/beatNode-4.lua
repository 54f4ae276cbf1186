--[[
  One beat: vitals up, orders down. Renews the lease and the node's place in its pool.

    Input:
      KEYS[1] nodes      (zset: node -> lease expiry on the fleet's clock, ms)
      KEYS[2] node hash
      KEYS[3] orders     (list: "drain" or "abort <attempt>")
      KEYS[4] clock

      ARGV[1] prefix; the node's slots, their attempt:<job> and deadlines, profile:<p> and pair:<a>><b> are
              built from it
      ARGV[2] node id
      ARGV[3] incarnation
      ARGV[4] state: warming, ready or draining
      ARGV[5] lease, ms
      ARGV[6] a gap between ticks longer than this, ms, was an outage
      ARGV[7] now, ms, or ''
      ARGV[8...] field, value: serviceMs, rssMB, loopBlockedMs, lateResults ...

    Output:
      superseded       another life has begun, or this one was fenced: register anew
      beat, order ...
]]
--- @include "clock"
--- @include "pool"
local was = redis.call("HMGET", KEYS[2], "incarnation", "state")
if was[1] ~= ARGV[3] or was[2] == "gone" then
  return { "superseded" }
end
local now = wallClock(ARGV[7])
redis.call("ZADD", KEYS[1], tickClock(KEYS[4], now, tonumber(ARGV[6])) + ARGV[5], ARGV[2])
sweepSlot(ARGV[1], ARGV[2], ARGV[3])
local state = was[2] == "draining" and "draining" or ARGV[4]
redis.call("HSET", KEYS[2], "state", state, "beatAt", now, unpack(ARGV, 8))
notePace(KEYS[4], KEYS[2])
if state ~= was[2] and state == "ready" then
  enterPool(ARGV[1], ARGV[2], now)
elseif state ~= was[2] and state == "draining" then
  leavePool(ARGV[1], ARGV[2])
else
  rateNode(ARGV[1], ARGV[2], now)
end
local orders = redis.call("LRANGE", KEYS[3], 0, -1)
if #orders > 0 then
  redis.call("DEL", KEYS[3])
end
return { "beat", unpack(orders) }
