--[[
  Asked right after a child was added: may it stay? A fence precedes obliterate, so either this sees the
  fence or obliterate sees the child. A life that is over is fenced once more, for the child may have come
  after obliterate and brought its queue back.

    Input:
      KEYS[1] attempt record of the job
      KEYS[2] node hash
      KEYS[3] fencing   (zset: node-incarnation -> since, ms)

      ARGV[1] number of the attempt
      ARGV[2] incarnation
      ARGV[3] node id
      ARGV[4] now, ms, or ''

    Output:
      confirmed, fenced (that life of the node takes nothing any more), superseded
]]
--- @include "clock"
local node = redis.call("HMGET", KEYS[2], "incarnation", "state")
local isOver = node[1] ~= ARGV[2] or node[2] == "gone"
if isOver then
  redis.call("ZADD", KEYS[3], "NX", wallClock(ARGV[4]), ARGV[3] .. "-" .. ARGV[2])
end
local record = redis.call("HMGET", KEYS[1], "n", "open")
if record[1] ~= ARGV[1] or record[2] ~= "1" then
  return "superseded"
end
if isOver or node[2] ~= "ready" then
  return "fenced"
end
return "confirmed"
