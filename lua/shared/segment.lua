--[[
  Audio of a segment from byte `stop` on becomes the segment `to`, with the chunk ends that go with it.
  Answers how many chunks end before that byte.
]]
local function moveAudio(from, to, stop, life)
  local ends = redis.call("GET", from .. ":ends") or ""
  local rest = redis.call("GETRANGE", from, stop, -1)
  local whole, moved = #ends / 4, {}
  while whole > 0 and struct.unpack("<I4", ends, whole * 4 - 3) > stop do
    table.insert(moved, 1, struct.pack("<I4", struct.unpack("<I4", ends, whole * 4 - 3) - stop))
    whole = whole - 1
  end
  redis.call("DEL", from .. ":ends")
  if from == to then
    redis.call("DEL", from)
  end
  if #rest > 0 then
    redis.call("SET", to, rest, "PX", life)
    redis.call("SET", to .. ":ends", table.concat(moved), "PX", life)
  end
  return whole
end

--[[ The open segment gets another index: those in between are taken. ]]
local function renameAudio(key, from, to)
  for _, part in ipairs({ "", ":ends" }) do
    if redis.call("EXISTS", key .. ":" .. from .. part) == 1 then
      redis.call("RENAME", key .. ":" .. from .. part, key .. ":" .. to .. part)
    end
  end
end
