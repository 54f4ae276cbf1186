--[[
  The choice among the pools that serve a pair: the lowest rank, ties broken at random.
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

--[[
  The pools that serve the pairs, and those pairs. Where nobody who serves them all also speaks, speech is
  left out: it never takes the text away.
]]
local function servedPools(prefix, pairs)
  local pools = poolsOf(prefix, pairs)
  if #pools > 0 then
    return pools, pairs
  end
  local silent = pairs:gsub("%+speech", "")
  return poolsOf(prefix, silent), silent
end

local function triesOf(attempt, id)
  return tonumber(redis.call("HGET", attempt, "t:" .. id) or 0)
end

--[[ The next few of a pool with their ranks. The full ones come last and are not looked at, one by one. ]]
local function fewOf(pool, offset)
  return redis.call("ZRANGEBYSCORE", pool, "-inf", "(" .. FULL, "WITHSCORES", "LIMIT", offset, DEPTH)
end

--[[
  The first few of a pool with their ranks, and how many equals its head has: one of them, picked at
  random, leads.
]]
local function headOf(pool)
  local rows = fewOf(pool, 0)
  if not rows[1] then
    return rows, 0
  end
  local equals = redis.call("ZCOUNT", pool, rows[2], rows[2])
  local rank = math.random(0, equals - 1)
  return { redis.call("ZRANGE", pool, rank, rank)[1], rows[2], unpack(rows) }, equals
end

--[[ A capability that failed on a node is not asked of it again for a while. ]]
local function isUnable(prefix, id, pairs)
  for pair in pairs:gmatch("%S+") do
    if redis.call("EXISTS", prefix .. ":unable:" .. id .. ":" .. pair) == 1 then
      return true
    end
  end
  return false
end

--[[ Whether `new` comes before `best`; among equals the lot decides, each with the same chance. ]]
local function isBetter(new, best)
  if not best or new.tried ~= best.tried then
    return not best or new.tried < best.tried
  elseif new.rank ~= best.rank or not new.equals then
    return new.rank < best.rank
  end
  local all = best.equals + new.equals
  local lucky = math.random(all) <= new.equals
  best.equals, new.equals = all, all
  return lucky
end

--[[ The best node for these pairs, and how many of the others are out, by reason. ]]
local function bestOf(prefix, pairs, pools, attempt)
  local best, out = nil, { full = 0, unable = 0 }
  for _, pool in ipairs(pools) do
    local rows, equals = headOf(pool)
    local offset, fresh = 0, false
    while #rows > 0 and not fresh do
      for i = 1, #rows, 2 do
        local id = rows[i]
        if isUnable(prefix, id, pairs) then
          -- The lead stands a second time in its own place.
          out.unable = out.unable + (offset == 0 and i == 1 and 0 or 1)
        else
          local new = { id = id, rank = tonumber(rows[i + 1]), tried = triesOf(attempt, id) }
          new.equals = offset == 0 and i == 1 and equals or nil
          best = isBetter(new, best) and new or best
          fresh = new.tried == 0
        end
        -- By rising wait: nobody behind it in this pool comes before it.
        if fresh then
          break
        end
      end
      offset = offset + DEPTH
      rows = fresh and {} or fewOf(pool, offset)
    end
    out.full = out.full + redis.call("ZCOUNT", pool, FULL, "+inf")
  end
  if best then
    best.wait = waitOn(prefix, best.id, best.rank)
  end
  return best, out
end
