--[[
  Pools: nodes of equal capabilities share one zset `profile:<p>`, ordered by the estimated wait in ms
  of what they have in hand and of half an utterance more: by this rule (Sainte-Lague's) each gets work in
  proportion to its capacity, at any load. That half takes as long as utterances take in the whole fleet
  (`paceMs` of the clock, smoothed, and of each node as it was at its beat): by its own pace a node that had
  been slow once would never be tried again. A node that holds three times its capacity stays in, above FULL.
  Recent failures count as work in hand, halved every 5 s: a node that fails at once attracts nobody.
]]
local FULL = 1e12
local BEATS = 16
local FAULT_HALF_LIFE_MS = 5000

local function recentFaults(count, at, now)
  local left = tonumber(count or 0) * 0.5 ^ (math.max(0, now - tonumber(at or now)) / FAULT_HALF_LIFE_MS)
  return left < 0.1 and 0 or left
end

--[[ A node has told its pace: so much does it change that of the fleet. ]]
local function notePace(clock, node)
  local own = tonumber(redis.call("HGET", node, "serviceMs"))
  local pace = tonumber(redis.call("HGET", clock, "paceMs") or own)
  pace = pace + (own - pace) / BEATS
  redis.call("HSET", clock, "paceMs", pace)
  redis.call("HSET", node, "paceMs", pace)
end

local function rateNode(prefix, id, now)
  local node = prefix .. ":node:" .. id
  local was = redis.call(
    "HMGET", node, "state", "incarnation", "profile", "capacity", "serviceMs", "paceMs", "faults", "faultsAt"
  )
  if was[1] ~= "ready" then
    return
  end
  local capacity, serviceMs, paceMs = tonumber(was[4]), tonumber(was[5]), tonumber(was[6])
  local held = redis.call("ZCARD", prefix .. ":slots:" .. id .. "-" .. was[2])
  local rank = ((held + recentFaults(was[7], was[8], now)) * serviceMs + paceMs / 2) / capacity
  if held >= 3 * capacity then
    rank = rank + FULL
  end
  redis.call("ZADD", prefix .. ":profile:" .. was[3], rank, id)
end

--[[ The estimated wait, ms, on a node of this rank. ]]
local function waitOn(prefix, id, rank)
  local was = redis.call("HMGET", prefix .. ":node:" .. id, "paceMs", "capacity")
  return math.max(0, rank - was[1] / 2 / was[2])
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
