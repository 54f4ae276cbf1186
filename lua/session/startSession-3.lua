--[[
  Begin a session.

    Input:
      KEYS[1] session hash
      KEYS[2] order     (hash: head, seq)
      KEYS[3] sessions  (zset: session -> last seen, ms)

      ARGV[1] session id
      ARGV[2] gateway
      ARGV[3] hash of the resume token
      ARGV[4] request, JSON
      ARGV[5] subject
      ARGV[6] life of the session's keys, ms
      ARGV[7] now, ms, or ''

    Output:
      the connection epoch, 1
]]
--- @include "clock"
local now = wallClock(ARGV[7])
redis.call(
  "HSET", KEYS[1], "state", "open", "epoch", 1, "gateway", ARGV[2], "token", ARGV[3],
  "request", ARGV[4], "subject", ARGV[5], "startedAt", now
)
redis.call("HSET", KEYS[2], "head", 0, "seq", 0)
redis.call("PEXPIRE", KEYS[1], ARGV[6])
redis.call("PEXPIRE", KEYS[2], ARGV[6])
redis.call("ZADD", KEYS[3], now, ARGV[1])
return 1
