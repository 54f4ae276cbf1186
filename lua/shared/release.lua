--[[
  Order. `order` hash: head (the next index to release), seq (of the last result), last (set at close).
  `held` zset: index -> when its outcome was settled, for outcomes that wait for the head.
  `heads` zset: session -> since when the first of them waits.
]]
local function emit(outbox, order, index, ...)
  local seq = redis.call("HINCRBY", order, "seq", 1)
  redis.call("XADD", outbox, seq .. "-0", "index", index, ...)
end

local function emitOutcome(keys, index, ...)
  emit(keys.outbox, keys.order, index, "outcome", redis.call("HGET", keys.outcomes, index), ...)
  redis.call("HSET", keys.outcomes, index, "")
end

--[[ Moves the contiguous run at the head into the outbox and notes whether others still wait. ]]
local function release(keys, session, head)
  while redis.call("ZREM", keys.held, head) == 1 do
    emitOutcome(keys, head)
    head = head + 1
  end
  redis.call("HSET", keys.order, "head", head)
  local first = redis.call("ZRANGE", keys.held, 0, 0, "WITHSCORES")
  if first[2] then
    redis.call("ZADD", keys.heads, first[2], session)
  else
    redis.call("ZREM", keys.heads, session)
  end
end
