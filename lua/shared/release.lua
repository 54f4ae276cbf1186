--[[
  Order. `order` hash: head (the next index to release), seq (of the last result), last (set at close).
  `held` zset: index -> when its outcome was settled, for outcomes that wait for the head.
  `heads` zset: session -> since when the first of them waits.
]]
local function emit(outbox, order, index, ...)
  local seq = redis.call("HINCRBY", order, "seq", 1)
  redis.call("XADD", outbox, seq .. "-0", "index", index, ...)
  return seq
end

--[[ Answers the words that tell a gateway what has gone out. ]]
local function emitOutcome(keys, index, late)
  local outcome = redis.call("HGET", keys.outcomes, index)
  local seq = emit(keys.outbox, keys.order, index, "outcome", outcome, "late", late)
  redis.call("HSET", keys.outcomes, index, "")
  return (" %d %d %d "):format(seq, index, late) .. outcome
end

--[[
  Moves the contiguous run at the head into the outbox and notes whether others still wait. Answers the words
  for its last result, and how many there were.
]]
local function release(keys, session, head)
  local words, count = "", 0
  while redis.call("ZREM", keys.held, head) == 1 do
    words, count = emitOutcome(keys, head, 0), count + 1
    head = head + 1
  end
  redis.call("HSET", keys.order, "head", head)
  local first = redis.call("ZRANGE", keys.held, 0, 0, "WITHSCORES")
  if first[2] then
    redis.call("ZADD", keys.heads, first[2], session)
  else
    redis.call("ZREM", keys.heads, session)
  end
  return words, count
end
