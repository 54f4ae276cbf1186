--[[
  Indices that were given out and are known no more: they have neither an outcome nor a job that is at work.

    Input:
      KEYS[1] order     (hash: head)
      KEYS[2] outcomes  (hash: index -> outcome)

      ARGV[1] prefix; utterances:<job> is built from it
      ARGV[2] session id
      ARGV[3] the index that is open: those before it were given out

    Output:
      index ...
]]
local lost = {}
for index = tonumber(redis.call("HGET", KEYS[1], "head") or 0), ARGV[3] - 1 do
  local job = ("%s:utterances:u_%s_%d"):format(ARGV[1], ARGV[2], index)
  local isAtWork = redis.call("EXISTS", job) == 1 and redis.call("HEXISTS", job, "finishedOn") == 0
  if redis.call("HEXISTS", KEYS[2], index) == 0 and not isAtWork then
    lost[#lost + 1] = index
  end
end
return lost
