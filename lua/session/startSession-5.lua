--[[
  Begin a session. Where subjects are limited one that has too many gets none; those that were closed or
  have expired count no more, however they ended.

    Input:
      KEYS[1] session hash
      KEYS[2] order     (hash: head, seq)
      KEYS[3] sessions  (zset: session -> last seen on the fleet's clock, ms)
      KEYS[4] sessions of the subject  (set)
      KEYS[5] clock

      ARGV[1] session id
      ARGV[2] gateway
      ARGV[3] hash of the resume token
      ARGV[4] request, JSON
      ARGV[5] subject
      ARGV[6] life of the session's keys, ms
      ARGV[7] prefix; session:<s> of the subject's others is built from it
      ARGV[8] most sessions that the subject may have, or '' for any number
      ARGV[9] life of Redis
      ARGV[10] now, ms, or ''

    Output:
      started, too_many_sessions
]]
--- @include "clock"
-- A session that lasts for longer counts no more.
local DAY = 86400000
local most = tonumber(ARGV[8])
if most and redis.call("SCARD", KEYS[4]) >= most then
  for _, other in ipairs(redis.call("SMEMBERS", KEYS[4])) do
    local state = redis.call("HGET", ARGV[7] .. ":session:" .. other, "state")
    if not state or state == "closed" then
      redis.call("SREM", KEYS[4], other)
    end
  end
  if redis.call("SCARD", KEYS[4]) >= most and redis.call("SISMEMBER", KEYS[4], ARGV[1]) == 0 then
    return "too_many_sessions"
  end
end
if most then
  redis.call("SADD", KEYS[4], ARGV[1])
  redis.call("PEXPIRE", KEYS[4], DAY)
end
local now = wallClock(ARGV[10])
redis.call(
  "HSET", KEYS[1], "state", "open", "epoch", 1, "gateway", ARGV[2], "token", ARGV[3],
  "request", ARGV[4], "subject", ARGV[5], "startedAt", now, "run", ARGV[9]
)
redis.call("HSET", KEYS[2], "head", 0, "seq", 0)
redis.call("PEXPIRE", KEYS[1], ARGV[6])
redis.call("PEXPIRE", KEYS[2], ARGV[6])
redis.call("ZADD", KEYS[3], fleetClock(KEYS[5], now), ARGV[1])
return "started"
