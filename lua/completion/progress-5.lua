--[[
  A node tells how far it is. Fenced: nothing of a superseded attempt passes, nothing after the outcome.
  Each stage moves the attempt's deadline on.

    Input:
      KEYS[1] session hash
      KEYS[2] outcomes    (hash: index -> outcome)
      KEYS[3] attempt record of the job
      KEYS[4] deadlines   (zset: attempt -> ms on the fleet's clock)
      KEYS[5] clock

      ARGV[1] prefix; gateway:<g> is built from it
      ARGV[2] job id
      ARGV[3] index
      ARGV[4] number of the attempt
      ARGV[5] stage: started, transcribed or translated
      ARGV[6] budget from now on, ms
      ARGV[7] text of the stage, or ''
      ARGV[8] now, ms, or ''

    Output:
      told, superseded, settled
]]
--- @include "clock"
if redis.call("HEXISTS", KEYS[2], ARGV[3]) == 1 then
  return "settled"
end
local record = redis.call("HMGET", KEYS[3], "n", "open")
if record[1] ~= ARGV[4] or record[2] ~= "1" then
  return "superseded"
end
local now = wallClock(ARGV[8])
local attempt = ARGV[2] .. "." .. ARGV[4]
redis.call("HSET", KEYS[3], "stage", ARGV[5])
if ARGV[5] == "started" then
  redis.call("HSET", KEYS[3], "started", now)
end
redis.call("ZADD", KEYS[4], "XX", fleetClock(KEYS[5], now) + ARGV[6], attempt)
local gateway = redis.call("HGET", KEYS[1], "gateway")
if gateway then
  redis.call("PUBLISH", ARGV[1] .. ":gateway:" .. gateway, "progress " .. attempt .. " " .. ARGV[5] .. " " .. ARGV[7])
end
return "told"
