--[[
  Audio that came back older is told by the gateway that held it which cuts were made since, each with the
  bytes that are still there. Those that it knows change nothing.

    Input:
      KEYS[1] audio hash; segments <key>:<i>, their chunk ends <key>:<i>:ends and the list of cuts
              <key>:cuts are built from it

      ARGV[1] epoch of the connection
      ARGV[2] life of these keys from now on, ms
      ARGV[3...] index and record of each cut, in order, as in the hash: reason, bytes of the session before
              it, bytes in it, whether it goes on, byte of the segment where it begins, chunk that the next
              one begins in

    Output:
      restored, superseded
]]
--- @include "segment"
local was = redis.call("HMGET", KEYS[1], "epoch", "next", "index", "base", "first")
if was[1] and tonumber(was[1]) > tonumber(ARGV[1]) then
  return "superseded"
end
local next, index, base = tonumber(was[2] or 0), tonumber(was[3] or 0), tonumber(was[4] or 0)
local first = tonumber(was[5] or 0)
local cuts = { unpack(ARGV, 3) }
for i = 1, #cuts, 2 do
  local cut, record = tonumber(cuts[i]), cuts[i + 1]
  local reason, begin, bytes, from, chunk = record:match("^(%S+) (%d+) (%d+) %d (%d+) (%d+)$")
  if cut >= index then
    if cut > index then
      renameAudio(KEYS[1], index, cut)
    end
    local segment = KEYS[1] .. ":" .. cut
    local start, stop = begin - from, begin + bytes
    -- Silence before the utterance that had been dropped.
    if start > base then
      moveAudio(segment, segment, start - base, ARGV[2])
    end
    moveAudio(segment, KEYS[1] .. ":" .. (cut + 1), stop - start, ARGV[2])
    index, base, first = cut + 1, stop, tonumber(chunk)
    next = math.max(next, first)
    redis.call("HSET", KEYS[1], "reason", reason, "cut:" .. cut, record)
    redis.call("ZADD", KEYS[1] .. ":cuts", first - 1, cut)
  end
end
redis.call("HSET", KEYS[1], "epoch", ARGV[1], "next", next, "index", index, "base", base, "first", first)
for _, key in ipairs({ KEYS[1], KEYS[1] .. ":cuts" }) do
  redis.call("PEXPIRE", key, ARGV[2])
end
return "restored"
