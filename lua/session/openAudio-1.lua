--[[
  A connection takes the audio of a session over: its epoch, if greater, is the one that may write.
  All that is open lives on; asked again under the same epoch it does no more than that.

    Input:
      KEYS[1] audio hash  (epoch, next, index, base, first; cut:<i> = pending cut); the open segment
              <key>:<i>, its chunk ends <key>:<i>:ends and the list of cuts <key>:cuts are built from it

      ARGV[1] epoch
      ARGV[2] life of these keys from now on, ms

    Output:
      opened, next chunk, open index, bytes before it, bytes in it, pending index, pending cut ...
      superseded
]]
local was = redis.call("HGET", KEYS[1], "epoch")
if was and tonumber(was) > tonumber(ARGV[1]) then
  return { "superseded" }
elseif not was then
  redis.call("HSET", KEYS[1], "next", 0, "index", 0, "base", 0, "first", 0)
end
redis.call("HSET", KEYS[1], "epoch", ARGV[1])
local now = redis.call("HMGET", KEYS[1], "next", "index", "base")
local segment = KEYS[1] .. ":" .. now[2]
for _, key in ipairs({ KEYS[1], KEYS[1] .. ":cuts", segment, segment .. ":ends" }) do
  redis.call("PEXPIRE", key, ARGV[2])
end
local answer = { "opened", now[1], now[2], now[3], redis.call("STRLEN", segment) }
local fields = redis.call("HGETALL", KEYS[1])
for i = 1, #fields, 2 do
  local index = fields[i]:match("^cut:(%d+)$")
  if index then
    answer[#answer + 1] = index
    answer[#answer + 1] = fields[i + 1]
  end
end
return answer
