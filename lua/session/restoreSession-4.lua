--[[
  A session that came back older, or not at all, is told by the gateway that holds it what it was.

    Input:
      KEYS[1] session hash
      KEYS[2] order     (hash: head, seq)
      KEYS[3] sessions  (zset: session -> last seen on the fleet's clock, ms)
      KEYS[4] clock

      ARGV[1] session id
      ARGV[2] epoch of the connection
      ARGV[3] gateway
      ARGV[4] hash of the resume token
      ARGV[5] request, JSON
      ARGV[6] subject
      ARGV[7] life of the session's keys, ms
      ARGV[8] now, ms, or ''

    Output:
      restored, superseded
]]
--- @include "clock"
local epoch = redis.call("HGET", KEYS[1], "epoch")
if epoch and tonumber(epoch) > tonumber(ARGV[2]) then
  return "superseded"
end
local now = wallClock(ARGV[8])
redis.call("HSETNX", KEYS[1], "state", "open")
redis.call("HSETNX", KEYS[1], "startedAt", now)
redis.call(
  "HSET", KEYS[1], "epoch", ARGV[2], "gateway", ARGV[3], "token", ARGV[4], "request", ARGV[5], "subject", ARGV[6]
)
redis.call("HSETNX", KEYS[2], "head", 0)
redis.call("HSETNX", KEYS[2], "seq", 0)
redis.call("PEXPIRE", KEYS[1], ARGV[7])
redis.call("PEXPIRE", KEYS[2], ARGV[7])
if redis.call("HGET", KEYS[1], "state") ~= "closed" then
  redis.call("ZADD", KEYS[3], fleetClock(KEYS[4], now), ARGV[1])
end
return "restored"
