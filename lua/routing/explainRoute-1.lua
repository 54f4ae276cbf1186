--[[
  What `route` would decide now for an utterance just cut that has no home. Writes nothing.

    Input:
      KEYS[1] clock

      ARGV[1] prefix; pair:<p>, profile:<p>, node:<n>, slots:<n>-<inc> and waiting:<pairs> are built from it
      ARGV[2] pairs, all of which the node must serve, by spaces; +speech where somebody offers it
      ARGV[3] now, ms, or ''

    Output:
      node, pairs as they would be served, n waiting for them, id, rank in its pool
      no_node, pairs, n waiting
]]
--- @include "clock"
--- @include "pool"
--- @include "choose"
--- @include "waiting"
local prefix = ARGV[1]
local pools, pairs = servedPools(prefix, ARGV[2])
local list = pairs:gsub(" ", ",")
local waiting = redis.call("ZCARD", prefix .. ":waiting:" .. list)
local best = bestOf(prefix, pairs, pools, prefix .. ":attempt:")
if not best or isBehind(prefix, list, pools, fleetClock(KEYS[1], wallClock(ARGV[3]))) then
  return { "no_node", pairs, waiting }
end
return { "node", pairs, waiting, best.id, best.rank }
