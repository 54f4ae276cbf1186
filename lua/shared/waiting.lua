--[[
  Utterances that nobody can take now wait by the pairs they need, oldest first: `waiting:<pairs>` zset
  job -> created on the fleet's clock. `waiting` set: the lists that are not empty. The attempt record
  names its list in `waiting`.
]]
local function poolsFor(prefix, list)
  return (servedPools(prefix, (list:gsub(",", " "))))
end

--[[ Free slots of the first few nodes of each pool: no more than there are. ]]
local function freeSlots(prefix, pools)
  local free = 0
  for _, pool in ipairs(pools) do
    for _, id in ipairs(redis.call("ZRANGEBYSCORE", pool, "-inf", "(" .. FULL, "LIMIT", 0, DEPTH)) do
      local was = redis.call("HMGET", prefix .. ":node:" .. id, "incarnation", "capacity")
      free = free + 3 * was[2] - redis.call("ZCARD", prefix .. ":slots:" .. id .. "-" .. was[1])
    end
  end
  return free
end

--[[ Nobody overtakes: as many older ones wait as there are free slots. ]]
local function isBehind(prefix, list, pools, created)
  local older = redis.call("ZCOUNT", prefix .. ":waiting:" .. list, "-inf", ("(%.17g"):format(created))
  return older > 0 and older >= freeSlots(prefix, pools)
end

local function leaveWaiting(prefix, attempt, job)
  local list = redis.call("HGET", attempt, "waiting")
  if list then
    redis.call("HDEL", attempt, "waiting")
    redis.call("ZREM", prefix .. ":waiting:" .. list, job)
    if redis.call("EXISTS", prefix .. ":waiting:" .. list) == 0 then
      redis.call("SREM", prefix .. ":waiting", list)
    end
  end
end

local function joinWaiting(prefix, attempt, list, job, created)
  leaveWaiting(prefix, attempt, job)
  redis.call("ZADD", prefix .. ":waiting:" .. list, created, job)
  redis.call("SADD", prefix .. ":waiting", list)
  redis.call("HSET", attempt, "waiting", list)
end

local function servesAll(served, list)
  for pair in list:gmatch("[^,]+") do
    if not (" " .. served .. " "):find(" " .. pair .. " ", 1, true) then
      return false
    end
  end
  return true
end

--[[
  Who is to be asked again now that a slot of a node is free: the oldest that it serves, as many as it has
  slots and no more than `most`. Looks at that node and at the lines it serves only.
]]
local function nextFor(prefix, id, most)
  local lists, rows = redis.call("SMEMBERS", prefix .. ":waiting"), {}
  local was = #lists > 0 and redis.call("HMGET", prefix .. ":node:" .. id, "incarnation", "state", "capacity", "pairs")
  if not was or was[2] ~= "ready" then
    return rows
  end
  local free = math.min(most, 3 * was[3] - redis.call("ZCARD", prefix .. ":slots:" .. id .. "-" .. was[1]))
  for _, list in ipairs(free > 0 and lists or {}) do
    if servesAll(was[4], list) then
      local first = redis.call("ZRANGE", prefix .. ":waiting:" .. list, 0, free - 1, "WITHSCORES")
      for i = 1, #first, 2 do
        rows[#rows + 1] = { job = first[i], created = tonumber(first[i + 1]) }
      end
    end
  end
  table.sort(rows, function(a, b)
    return a.created < b.created
  end)
  local jobs = {}
  for i = 1, math.min(free, #rows) do
    jobs[i] = rows[i].job
  end
  return jobs
end

--[[ Who is to be asked again: as many as could be placed, and those whose time is up. ]]
local function dueWaiting(prefix, expired, limit)
  local jobs = {}
  for _, list in ipairs(redis.call("SMEMBERS", prefix .. ":waiting")) do
    local key = prefix .. ":waiting:" .. list
    local free = math.min(limit, freeSlots(prefix, poolsFor(prefix, list)))
    local late = redis.call("ZCOUNT", key, "-inf", expired)
    local count = math.max(free, math.min(late, limit))
    for _, job in ipairs(count > 0 and redis.call("ZRANGE", key, 0, count - 1) or {}) do
      jobs[#jobs + 1] = job
    end
  end
  return jobs
end
