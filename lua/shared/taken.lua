--[[
  How many indices of a session are taken, as the control plane knows: by what it released, by outcomes that
  wait for it (`held`), and by jobs, which are looked for a little beyond the last one found.
]]
local BEYOND = 8

local function takenIndices(prefix, session, order, held)
  local taken = tonumber(redis.call("HGET", order, "head") or 0)
  taken = math.max(taken, tonumber(redis.call("ZREVRANGE", held, 0, 0)[1] or -1) + 1)
  local index = taken
  while index < taken + BEYOND do
    if redis.call("EXISTS", ("%s:utterances:u_%s_%d"):format(prefix, session, index)) == 1 then
      taken = index + 1
    end
    index = index + 1
  end
  return taken
end
