--[[
  A connection takes the audio of a session over: its epoch, if greater, is the one that may write.
  All that is open lives on; asked again under the same epoch it does no more than that. Audio that came
  back older goes on behind what others know: no index that is taken is given out again, and chunks that
  nobody holds any more are left out.

    Input:
      KEYS[1] audio hash  (epoch, next, index, base, first; cut:<i> = pending cut); the open segment
              <key>:<i>, its chunk ends <key>:<i>:ends and the list of cuts <key>:cuts are built from it

      ARGV[1] epoch
      ARGV[2] life of these keys from now on, ms
      ARGV[3] take, or hold: only what this epoch has taken already
      ARGV[4] how many indices are taken, as the control plane knows
      ARGV[5] how many the client has heard of; one that claims too many is not believed
      ARGV[6] oldest chunk that the client still holds

    Output:
      opened, next chunk, open index, bytes before it, bytes in it, first chunk that is lost or next chunk,
              pending index, pending cut ...
      superseded
      older   the audio does not know this epoch
]]
--- @include "segment"
local MOST_CLAIMED = 64
local was = redis.call("HMGET", KEYS[1], "epoch", "next", "index", "base", "first")
if was[1] and tonumber(was[1]) > tonumber(ARGV[1]) then
  return { "superseded" }
elseif ARGV[3] == "hold" and was[1] ~= ARGV[1] then
  return { "older" }
end
local missing, index = tonumber(was[2] or 0), tonumber(was[3] or 0)
local least = tonumber(ARGV[4])
least = math.max(least, math.min(tonumber(ARGV[5]), math.max(least, index) + MOST_CLAIMED))
if least > index then
  renameAudio(KEYS[1], index, least)
  redis.call("HSET", KEYS[1], "reason", "")
  index = least
end
local next = math.max(missing, tonumber(ARGV[6]))
local base, first = was[4] or 0, tonumber(was[5] or 0) + next - missing
redis.call("HSET", KEYS[1], "epoch", ARGV[1], "next", next, "index", index, "base", base, "first", first)
local segment = KEYS[1] .. ":" .. index
for _, key in ipairs({ KEYS[1], KEYS[1] .. ":cuts", segment, segment .. ":ends" }) do
  redis.call("PEXPIRE", key, ARGV[2])
end
local answer = { "opened", next, index, base, redis.call("STRLEN", segment), missing }
local fields = redis.call("HGETALL", KEYS[1])
for i = 1, #fields, 2 do
  local cut = fields[i]:match("^cut:(%d+)$")
  if cut then
    answer[#answer + 1] = cut
    answer[#answer + 1] = fields[i + 1]
  end
end
return answer
