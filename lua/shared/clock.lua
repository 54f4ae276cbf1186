--[[
  Time in ms. Tests pass `given`; everybody else passes '' and gets Redis TIME.
  The fleet's clock stands still while Redis is away: leases and deadlines are instants on it, so an
  outage of any length expires nobody. `clock` hash: tick, outage, graces.
]]
local function wallClock(given)
  if given ~= "" then
    return tonumber(given)
  end
  local time = redis.call("TIME")
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function fleetClock(key, now)
  return now - tonumber(redis.call("HGET", key, "outage") or 0)
end

--[[ Moves the clock on. A gap longer than `grace` was an outage, but no more than 3 in a row. ]]
local function tickClock(key, now, grace)
  local was = redis.call("HMGET", key, "tick", "outage", "graces")
  local outage, graces = tonumber(was[2] or 0), tonumber(was[3] or 0)
  local gap = now - tonumber(was[1] or now)
  if gap > grace and graces < 3 then
    outage, graces = outage + gap, graces + 1
  elseif gap > 0 then
    graces = 0
  end
  redis.call("HSET", key, "tick", math.max(now, tonumber(was[1] or 0)), "outage", outage, "graces", graces)
  return now - outage
end
