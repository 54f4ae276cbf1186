--[[
  Close a session after its last index; the second call, with the state closed, ends it. Its results
  stay for whoever comes back until the keys expire.

    Input:
      KEYS[1] session hash
      KEYS[2] order     (hash: head, seq, last)
      KEYS[3] held
      KEYS[4] outcomes
      KEYS[5] outbox
      KEYS[6] dedup
      KEYS[7] sessions  (zset: session -> last seen on the fleet's clock, ms)

      ARGV[1] session id
      ARGV[2] epoch of the connection
      ARGV[3] last index, or '' if there was none
      ARGV[4] state: closing or closed
      ARGV[5] reason
      ARGV[6] life of the session's keys from its end on, ms

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
  redis.call("ZREM", KEYS[7], ARGV[1])
  for i = 1, 6 do
    redis.call("PEXPIRE", KEYS[i], ARGV[6])
  end
end
return ARGV[4]
