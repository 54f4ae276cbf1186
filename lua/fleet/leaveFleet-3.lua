--[[
  End a life of a node by its own will: its work is handed on as if it had been fenced, at once.

    Input:
      KEYS[1] nodes     (zset: node -> lease expiry)
      KEYS[2] fencing   (zset: node-incarnation -> since, ms)
      KEYS[3] node hash

      ARGV[1] prefix; the node's profile:<p> and pair:<a>><b> are built from it
      ARGV[2] node id
      ARGV[3] incarnation
      ARGV[4] how long the hash outlives the life, ms
      ARGV[5] now, ms, or ''

    Output:
      left, superseded
]]
--- @include "clock"
--- @include "pool"
local was = redis.call("HMGET", KEYS[3], "incarnation", "state")
if was[1] ~= ARGV[3] or was[2] == "gone" then
  return "superseded"
end
leavePool(ARGV[1], ARGV[2])
redis.call("HSET", KEYS[3], "state", "gone")
redis.call("PEXPIRE", KEYS[3], ARGV[4])
redis.call("ZREM", KEYS[1], ARGV[2])
redis.call("ZADD", KEYS[2], wallClock(ARGV[5]), ARGV[2] .. "-" .. ARGV[3])
return "left"
