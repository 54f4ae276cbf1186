--[[
  Store one chunk of audio: the hot path of the audio plane. Acknowledged only after this.

    Input:
      KEYS[1] audio hash; the open segment <key>:<index> and its chunk ends <key>:<index>:ends are built
              from it (ends: for every chunk its end in the segment, 4 bytes each)

      ARGV[1] epoch of the connection
      ARGV[2] number of the chunk
      ARGV[3] bytes
      ARGV[4] life of a segment from its first chunk on, and of the hash, ms

    Output:
      { next, open }   this chunk is stored, now or before: the one expected next, bytes in the open segment
      -1      superseded: the session has moved to another connection
      -2      unknown session
      -10-n   a hole: chunk n is expected
]]
local was = redis.call("HMGET", KEYS[1], "epoch", "next", "index")
if not was[1] then
  return -2
elseif was[1] ~= ARGV[1] then
  return -1
end
local chunk, next = tonumber(ARGV[2]), tonumber(was[2])
if chunk > next then
  return -10 - next
elseif chunk < next then
  return { next, redis.call("STRLEN", KEYS[1] .. ":" .. was[3]) }
end
local segment = KEYS[1] .. ":" .. was[3]
local open = redis.call("APPEND", segment, ARGV[3])
redis.call("APPEND", segment .. ":ends", struct.pack("<I4", open))
if open == #ARGV[3] then
  for _, key in ipairs({ KEYS[1], segment, segment .. ":ends" }) do
    redis.call("PEXPIRE", key, ARGV[4])
  end
end
redis.call("HSET", KEYS[1], "next", chunk + 1)
return { chunk + 1, open }
