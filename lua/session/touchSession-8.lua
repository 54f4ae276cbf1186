--[[
  A gateway says that a session of its is alive: all its keys live on, unless it is closed. The resume token
  before this connection's ends only when the client has shown that it knows the new one.

    Input:
      KEYS[1] session hash
      KEYS[2] order
      KEYS[3] held
      KEYS[4] outcomes
      KEYS[5] outbox
      KEYS[6] dedup
      KEYS[7] sessions  (zset: session -> last seen on the fleet's clock, ms)
      KEYS[8] clock

      ARGV[1] session id
      ARGV[2] epoch of the connection
      ARGV[3] life of the session's keys, ms
      ARGV[4] 1 if the client has used this connection
      ARGV[5] now, ms, or ''

    Output:
      touched, closed, superseded, unknown_session
]]
--- @include "clock"
local was = redis.call("HMGET", KEYS[1], "epoch", "state")
if not was[1] then
  return "unknown_session"
elseif was[1] ~= ARGV[2] then
  return "superseded"
end
if ARGV[4] == "1" then
  redis.call("HDEL", KEYS[1], "previous")
end
if was[2] == "closed" then
  return "closed"
end
for i = 1, 6 do
  redis.call("PEXPIRE", KEYS[i], ARGV[3])
end
redis.call("ZADD", KEYS[7], fleetClock(KEYS[8], wallClock(ARGV[5])), ARGV[1])
return "touched"
