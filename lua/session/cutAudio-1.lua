--[[
  Close the open segment at a byte, whatever has arrived since: later bytes begin the next segment. Asked
  again for the same cut, it answers the same index. An empty segment consumes no index.

    Input:
      KEYS[1] audio hash; segments <key>:<i>, their chunk ends <key>:<i>:ends and the list of cuts
              <key>:cuts (zset: index -> the last chunk that ended in it; -<index> -> the last one that
              was dropped before it) are built from it

      ARGV[1] epoch of the connection
      ARGV[2] reason
      ARGV[3] index that is expected to be open, or '' to cut by chunk
      ARGV[4] end byte in the segment, or last chunk when cutting by chunk; '' for all there is
      ARGV[5] life of what is open and of the list from now on, ms
      ARGV[6] byte of the session where the utterance begins: silence before it is left out
      ARGV[7] byte of the session up to which there is not enough for an utterance: a cut before it is empty
      ARGV[8] how many indices are taken, as the connection knows

    Output:
      cut, index, bytes of the session before it, bytes in it, 1 if it goes on after max_duration, byte of
           the segment where it begins, chunk that the next one begins in
      repeat, index, and while the cut is pending its record: the reason, then as above
      empty
      gap, expected chunk
      superseded
      older   the audio came back as it was before the connection's last cut
      unknown_session
]]
--- @include "segment"
local KEPT_CUTS = 1000
local was = redis.call("HMGET", KEYS[1], "epoch", "next", "index", "base", "first", "reason")
if not was[1] then
  return { "unknown_session" }
elseif was[1] ~= ARGV[1] then
  return { "superseded" }
end
local next, index, base, first = tonumber(was[2]), tonumber(was[3]), tonumber(was[4]), tonumber(was[5])
if index < tonumber(ARGV[8]) then
  return { "older" }
end
local segment, following = KEYS[1] .. ":" .. index, KEYS[1] .. ":" .. (index + 1)
local bytes = redis.call("STRLEN", segment)
local stop = bytes
local function again(cut)
  return { "repeat", cut, redis.call("HGET", KEYS[1], "cut:" .. cut) or "" }
end
if ARGV[3] ~= "" and tonumber(ARGV[3]) < index then
  return again(ARGV[3])
elseif ARGV[3] ~= "" and ARGV[4] ~= "" then
  stop = math.min(bytes, tonumber(ARGV[4]))
elseif ARGV[4] ~= "" then
  local through = tonumber(ARGV[4])
  if through >= next then
    return { "gap", next }
  elseif through < first then
    local cut = redis.call("ZRANGEBYSCORE", KEYS[1] .. ":cuts", through, "+inf", "LIMIT", 0, 1)[1]
    return cut and cut:sub(1, 1) ~= "-" and again(cut) or { "empty" }
  end
  local at = (through - first) * 4
  stop = struct.unpack("<I4", redis.call("GETRANGE", segment .. ":ends", at, at + 3))
end
local begin = math.max(0, tonumber(ARGV[6]) - base)
if stop < math.max(1, tonumber(ARGV[7]) - base) then
  return { "empty" }
end

local whole = moveAudio(segment, following, stop, ARGV[5])
local continues = was[6] == "max_duration" and 1 or 0
local range = { base + begin, stop - begin, continues, begin, first + whole }
redis.call(
  "HSET", KEYS[1], "index", index + 1, "base", base + stop, "first", first + whole, "reason", ARGV[2],
  "cut:" .. index, ARGV[2] .. " " .. table.concat(range, " ")
)
if whole > 0 then
  redis.call("ZADD", KEYS[1] .. ":cuts", first + whole - 1, index)
  redis.call("ZREMRANGEBYRANK", KEYS[1] .. ":cuts", 0, -KEPT_CUTS - 1)
end
redis.call("PEXPIRE", KEYS[1] .. ":cuts", ARGV[5])
return { "cut", index, unpack(range) }
