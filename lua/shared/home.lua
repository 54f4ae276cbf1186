--[[
  Home: the node a session's continuing speech goes to. Only a higher index changes what the last one
  decided; a cleared home stays as a mark without a node, so that a late re-route cannot bind it again.
]]
local function moveHome(key, index, intent, life)
  local was = redis.call("HMGET", key, "index", "node", "incarnation")
  if intent == "clear" and index > tonumber(was[1] or -1) then
    redis.call("HSET", key, "index", index)
    redis.call("HDEL", key, "node", "incarnation")
    redis.call("PEXPIRE", key, life)
    return {}
  end
  return { node = was[2], incarnation = was[3] }
end

local function bindHome(key, index, intent, node, incarnation, life)
  if intent ~= "bind" then
    return
  elseif index >= tonumber(redis.call("HGET", key, "index") or -1) then
    redis.call("HSET", key, "index", index, "node", node, "incarnation", incarnation)
  end
  redis.call("PEXPIRE", key, life)
end

--[[
  The home is taken if it is a candidate, costs no more than `penalty` ms over the best, and this
  utterance has not been there more often.
]]
local function preferHome(prefix, pairs, pools, attempt, home, best, penalty)
  if not home.node then
    return best, "balance"
  elseif redis.call("HGET", prefix .. ":node:" .. home.node, "incarnation") ~= home.incarnation then
    return best, "rehome"
  elseif triesOf(attempt, home.node) > best.tried or isUnable(prefix, home.node, pairs) then
    return best, "rehome"
  end
  for _, pool in ipairs(pools) do
    local rank = tonumber(redis.call("ZSCORE", pool, home.node) or FULL)
    local wait = waitOn(prefix, home.node, rank)
    if rank < FULL and wait - best.wait <= penalty then
      return { id = home.node, wait = wait }, "home"
    end
  end
  return best, "rehome"
end
