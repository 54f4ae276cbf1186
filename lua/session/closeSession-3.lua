--[[
  Close a session after its last index; the second call, with the state closed, ends it. Its results
  stay for whoever comes back until the keys expire.

    Input:
      KEYS[1] session hash
      KEYS[2] order     (hash: head, seq, last)
      KEYS[3] sessions  (zset: session -> last seen, ms)

      ARGV[1] session id
      ARGV[2] epoch of the connection
      ARGV[3] last index, or '' if there was none
      ARGV[4] state: closing or closed
      ARGV[5] reason

    Output:
      closing, closed, superseded, unknown_session
]]
local epoch = redis.call("HGET", KEYS[1], "epoch")
if not epoch then
  return "unknown_session"
elseif epoch ~= ARGV[2] then
  return "superseded"
end
redis.call("HSET", KEYS[1], "state", ARGV[4], "reason", ARGV[5])
redis.call("HSET", KEYS[2], "last", ARGV[3])
if ARGV[4] == "closed" then
  redis.call("ZREM", KEYS[3], ARGV[1])
end
return ARGV[4]
