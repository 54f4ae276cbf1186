--[[
  Time in ms. Tests pass `given`; everybody else passes '' and gets Redis TIME. Lots drawn in the same
  script follow from it: who gives the time can repeat them.
  The fleet's clock stands still while Redis is away, and never goes back: leases and deadlines are
  instants on it, so an outage of any length expires nobody. `clock` hash: tick, outage, graces, grace;
  and paceMs, see the pools.
]]
local function wallClock(given)
  if given ~= "" then
    math.randomseed(given % 2 ^ 31)
    return tonumber(given)
  end
  local time = redis.call("TIME")
  math.randomseed(time[1] + time[2])
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

--[[ Reads the clock. What the next tick will take for an outage does not count already. ]]
local function fleetClock(key, now)
  local was = redis.call("HMGET", key, "tick", "outage", "grace")
  local tick = tonumber(was[1] or now)
  if now < tick or now - tick > tonumber(was[3] or math.huge) then
    now = tick
  end
  return now - tonumber(was[2] or 0)
end

--[[
  Moves the clock on. A gap longer than `grace` was an outage, but no more than 3 in a row; a wall clock
  that was set back is no more than a gap.
]]
local function tickClock(key, now, grace)
  local was = redis.call("HMGET", key, "tick", "outage", "graces")
  local outage, graces = tonumber(was[2] or 0), tonumber(was[3] or 0)
  local gap = now - tonumber(was[1] or now)
  if gap < 0 then
    outage = outage + gap
  elseif gap > grace and graces < 3 then
    outage, graces = outage + gap, graces + 1
  elseif gap > 0 then
    graces = 0
  end
  redis.call("HSET", key, "tick", now, "outage", outage, "graces", graces, "grace", grace)
  return now - outage
end
