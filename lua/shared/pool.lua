--[[
  Pools: nodes of equal capabilities share one zset `profile:<p>`, ordered by the estimated wait in ms
  of what they have in hand. To that comes half of the shortest utterance there is: of idle nodes the one
  of more capacity is first, and how fast it was before does not count, or a slow one would never be tried
  again. A node that holds three times its capacity stays in, above FULL.
  Recent failures count as work in hand, halved every 5 s: a node that fails at once attracts nobody.
]]
local FULL = 1e12
local HALF_MS = 50
local FAULT_HALF_LIFE_MS = 5000

local function recentFaults(count, at, now)
  local left = tonumber(count or 0) * 0.5 ^ (math.max(0, now - tonumber(at or now)) / FAULT_HALF_LIFE_MS)
  return left < 0.1 and 0 or left
end

local function rateNode(prefix, id, now)
  local node = prefix .. ":node:" .. id
  local was =
    redis.call("HMGET", node, "incarnation", "state", "capacity", "profile", "serviceMs", "faults", "faultsAt")
  if was[2] ~= "ready" then
    return
  end
  local capacity = tonumber(was[3])
  local held = redis.call("ZCARD", prefix .. ":slots:" .. id .. "-" .. was[1])
  local rank = ((held + recentFaults(was[6], was[7], now)) * tonumber(was[5]) + HALF_MS) / capacity
  if held >= 3 * capacity then
    rank = rank + FULL
  end
  redis.call("ZADD", prefix .. ":profile:" .. was[4], rank, id)
end

--[[ The estimated wait, ms, on a node of this rank. ]]
local function waitOn(prefix, id, rank)
  return math.max(0, rank - HALF_MS / redis.call("HGET", prefix .. ":node:" .. id, "capacity"))
end

local function enterPool(prefix, id, now)
  local was = redis.call("HMGET", prefix .. ":node:" .. id, "profile", "pairs")
  for pair in was[2]:gmatch("%S+") do
    redis.call("SADD", prefix .. ":pair:" .. pair, was[1])
    redis.call("SADD", prefix .. ":pairs", pair)
  end
  rateNode(prefix, id, now)
end

local function leavePool(prefix, id)
  local was = redis.call("HMGET", prefix .. ":node:" .. id, "profile", "pairs")
  local pool = prefix .. ":profile:" .. was[1]
  redis.call("ZREM", pool, id)
  if redis.call("EXISTS", pool) == 0 then
    for pair in was[2]:gmatch("%S+") do
      redis.call("SREM", prefix .. ":pair:" .. pair, was[1])
      if redis.call("EXISTS", prefix .. ":pair:" .. pair) == 0 then
        redis.call("SREM", prefix .. ":pairs", pair)
      end
    end
  end
end

--[[ Ends an attempt's claim on its node; freeing twice is harmless. ]]
local function freeSlot(prefix, attempt, node, incarnation, now)
  redis.call("ZREM", prefix .. ":deadlines", attempt)
  if redis.call("ZREM", prefix .. ":slots:" .. node .. "-" .. incarnation, attempt) == 1 then
    rateNode(prefix, node, now)
  end
end

--[[
  The oldest slot of a node goes if nobody will ever give it back: its attempt is over or its record has
  expired. Asked at each beat this frees whatever was left behind, one after the other.
]]
local function sweepSlot(prefix, id, incarnation)
  local slots = prefix .. ":slots:" .. id .. "-" .. incarnation
  local oldest = redis.call("ZRANGE", slots, 0, 0)[1]
  if oldest then
    local job, n = oldest:match("^(.*)%.(%d+)$")
    local record = redis.call("HMGET", prefix .. ":attempt:" .. job, "n", "open")
    if record[1] ~= n or record[2] ~= "1" then
      redis.call("ZREM", slots, oldest)
      redis.call("ZREM", prefix .. ":deadlines", oldest)
    end
  end
end

--[[ One more recent failure of a node, if that life of it still is. ]]
local function blameNode(prefix, id, incarnation, now)
  local node = prefix .. ":node:" .. id
  local was = redis.call("HMGET", node, "incarnation", "faults", "faultsAt")
  if was[1] == incarnation then
    redis.call("HSET", node, "faults", recentFaults(was[2], was[3], now) + 1, "faultsAt", now)
    rateNode(prefix, id, now)
  end
end
