--[[
  Begin a new life of a node, not selectable until a beat says ready. The older one is fenced at once.

    Input:
      KEYS[1] nodes     (zset: node -> lease expiry on the fleet's clock, ms)
      KEYS[2] fencing   (zset: node-incarnation -> since, ms)
      KEYS[3] node hash (no life of its own while the node is in nodes)
      KEYS[4] clock

      ARGV[1] prefix; the older life's profile:<p> and pair:<a>><b> are built from it
      ARGV[2] node id
      ARGV[3] lease, ms
      ARGV[4] now, ms, or ''
      ARGV[5...] field, value: capacity, profile, pairs, serviceMs, languages ...

    Output:
      the incarnation: Redis TIME in base 36
]]
--- @include "clock"
--- @include "pool"
local function base36(number)
  local digits, text = "0123456789abcdefghijklmnopqrstuvwxyz", ""
  repeat
    local digit = number % 36
    text = digits:sub(digit + 1, digit + 1) .. text
    number = (number - digit) / 36
  until number == 0
  return text
end

local now = wallClock(ARGV[4])
local time = redis.call("TIME")
local incarnation = base36(time[1] * 1000000 + time[2])
local was = redis.call("HMGET", KEYS[3], "incarnation", "state")
if was[1] and was[2] ~= "gone" then
  leavePool(ARGV[1], ARGV[2])
  redis.call("ZADD", KEYS[2], now, ARGV[2] .. "-" .. was[1])
end
redis.call("DEL", KEYS[3])
redis.call("HSET", KEYS[3], "incarnation", incarnation, "state", "warming", "registeredAt", now, unpack(ARGV, 5))
redis.call("ZADD", KEYS[1], fleetClock(KEYS[4], now) + ARGV[3], ARGV[2])
return incarnation
