--[[
  Asked right after a child was added: may it stay? A fence precedes obliterate, so either this sees the
  fence or obliterate sees the child.

    Input:
      KEYS[1] attempt record of the job
      KEYS[2] node hash

      ARGV[1] number of the attempt
      ARGV[2] incarnation

    Output:
      confirmed, fenced (that life of the node takes nothing any more), superseded
]]
local record = redis.call("HMGET", KEYS[1], "n", "open")
if record[1] ~= ARGV[1] or record[2] ~= "1" then
  return "superseded"
end
local node = redis.call("HMGET", KEYS[2], "incarnation", "state")
if node[1] ~= ARGV[2] or node[2] ~= "ready" then
  return "fenced"
end
return "confirmed"
