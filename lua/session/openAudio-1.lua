--[[
  A connection takes the audio of a session over: its epoch, if greater, is the one that may write.

    Input:
      KEYS[1] audio hash  (epoch, next, index, base, first; cut:<i> = pending cut)

      ARGV[1] epoch
      ARGV[2] life of the hash, ms

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
redis.call("PEXPIRE", KEYS[1], ARGV[2])
local now = redis.call("HMGET", KEYS[1], "next", "index", "base")
local answer = { "opened", now[1], now[2], now[3], redis.call("STRLEN", KEYS[1] .. ":" .. now[2]) }
local fields = redis.call("HGETALL", KEYS[1])
for i = 1, #fields, 2 do
  local index = fields[i]:match("^cut:(%d+)$")
  if index then
    answer[#answer + 1] = index
    answer[#answer + 1] = fields[i + 1]
  end
end
return answer
