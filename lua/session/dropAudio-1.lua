--[[
  Drop what the open segment begins with, up to a byte of the session: it was silence, it stays
  acknowledged, and it is in no utterance. Asked again it drops no more, whatever came since.

    Input:
      KEYS[1] audio hash; the open segment <key>:<index>, its chunk ends <key>:<index>:ends and the list of
              cuts <key>:cuts (zset: index -> its last chunk; -<index> -> last chunk dropped before it) are
              built from it

      ARGV[1] epoch of the connection
      ARGV[2] byte of the session: what lies before it goes
      ARGV[3] life of what is open and of the list from now on, ms

    Output:
      dropped, bytes of the session before the open segment
      superseded
      unknown_session
]]
--- @include "segment"
local was = redis.call("HMGET", KEYS[1], "epoch", "index", "base", "first")
if not was[1] then
  return { "unknown_session" }
elseif was[1] ~= ARGV[1] then
  return { "superseded" }
end
local index, base, first = was[2], tonumber(was[3]), tonumber(was[4])
local segment, cuts = KEYS[1] .. ":" .. index, KEYS[1] .. ":cuts"
local bytes = redis.call("STRLEN", segment)
local stop = math.min(bytes, tonumber(ARGV[2]) - base)
if stop <= 0 then
  return { "dropped", base }
end
local whole = moveAudio(segment, segment, stop, ARGV[3])
-- Speech behind a pause goes on with no utterance before it.
redis.call("HSET", KEYS[1], "base", base + stop, "first", first + whole, "reason", "")
if whole > 0 then
  redis.call("ZADD", cuts, first + whole - 1, "-" .. index)
end
redis.call("PEXPIRE", cuts, ARGV[3])
redis.call("PEXPIRE", KEYS[1], ARGV[3])
return { "dropped", base + stop }
