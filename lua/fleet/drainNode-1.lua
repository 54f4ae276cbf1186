--[[
  An operator's order: the node is given nothing from here on, and is told to hand on what waits, to finish
  what runs and to leave: at once on its channel, and with its next beat.

    Input:
      KEYS[1] node hash

      ARGV[1] prefix; the node's profile:<p>, pair:<a>><b>, slots:<n>-<inc>, orders:<n>-<inc> (list) and
              channel orders:<n> are built from it
      ARGV[2] node id
      ARGV[3] life of the order, ms

    Output:
      ordered, n in hand
      draining, n in hand   it was before; told again
      gone, unknown
]]
--- @include "pool"
local was = redis.call("HMGET", KEYS[1], "incarnation", "state")
if not was[1] then
  return { "unknown" }
elseif was[2] == "gone" then
  return { "gone" }
end
leavePool(ARGV[1], ARGV[2])
redis.call("HSET", KEYS[1], "state", "draining")
local life = ARGV[2] .. "-" .. was[1]
local orders = ARGV[1] .. ":orders:" .. life
redis.call("RPUSH", orders, "drain " .. was[1])
redis.call("PEXPIRE", orders, ARGV[3])
redis.call("PUBLISH", ARGV[1] .. ":orders:" .. ARGV[2], "drain " .. was[1])
return { was[2] == "draining" and "draining" or "ordered", redis.call("ZCARD", ARGV[1] .. ":slots:" .. life) }
