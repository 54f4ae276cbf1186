--[[
  Epochs of connections rise, and are instants, ms: a Redis that came back older gives none out again.
]]
local function nextEpoch(was, now)
  return math.max(tonumber(was) + 1, now)
end

--[[ Tells the gateway of the connection before. ]]
local function supersede(prefix, gateway, session, epoch)
  redis.call("PUBLISH", prefix .. ":gateway:" .. gateway, ("superseded %s %.0f"):format(session, epoch))
end
