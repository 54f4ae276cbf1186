--[[
  The choice among the pools that serve a pair: the smallest estimated wait, ties broken at random.
  Nodes that this utterance has been to (`attempt` hash, field `t:<node>`: how often) come last.
  Looks at the first few of each pool only, so its cost follows the logarithm of the fleet.
]]
local DEPTH = 8

local function poolsOf(prefix, pairs)
  local keys = {}
  for pair in pairs:gmatch("%S+") do
    keys[#keys + 1] = prefix .. ":pair:" .. pair
  end
  if #keys == 0 then
    return {}
  end
  local pools = redis.call("SINTER", unpack(keys))
  for i, profile in ipairs(pools) do
    pools[i] = prefix .. ":profile:" .. profile
  end
  return pools
end

local function triesOf(attempt, id)
  return tonumber(redis.call("HGET", attempt, "t:" .. id) or 0)
end

--[[
  The first few of a pool with their waits, and how many equals its head has: one of them, picked at
  random, leads.
]]
local function headOf(pool)
  local rows = redis.call("ZRANGE", pool, 0, DEPTH - 1, "WITHSCORES")
  if not rows[1] then
    return rows, 0
  end
  local equals = redis.call("ZCOUNT", pool, rows[2], rows[2])
  local rank = math.random(0, equals - 1)
  return { redis.call("ZRANGE", pool, rank, rank)[1], rows[2], unpack(rows) }, equals
end

local function bestOf(pools, attempt)
  local best, full = nil, 0
  local time = redis.call("TIME")
  math.randomseed(time[1] + time[2])
  for _, pool in ipairs(pools) do
    local rows, equals = headOf(pool)
    for i = 1, #rows, 2 do
      local wait, tried = tonumber(rows[i + 1]), triesOf(attempt, rows[i])
      local better = not best or tried < best.tried or (tried == best.tried and wait < best.wait)
      if wait < FULL and better then
        best = { id = rows[i], wait = wait, tried = tried, equals = equals }
      elseif best and i == 1 and tried == best.tried and wait == best.wait then
        best.equals = best.equals + equals
        best.id = math.random(best.equals) <= equals and rows[i] or best.id
      end
    end
    full = full + redis.call("ZCOUNT", pool, FULL, "+inf")
  end
  return best, full
end
