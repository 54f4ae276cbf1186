--[[
  Tick of the watch: move nodes whose lease ran out from the pools to fencing, and say what is due.

    Input:
      KEYS[1] nodes      (zset: node -> lease expiry on the fleet's clock, ms)
      KEYS[2] fencing    (zset: node-incarnation -> since, ms)
      KEYS[3] clock
      KEYS[4] deadlines  (zset: attempt -> ms on the fleet's clock)
      KEYS[5] heads      (zset: session -> since when its first held outcome waits, ms)

      ARGV[1] prefix; node:<n>, profile:<p> and pair:<a>><b> of expired nodes, and sessions (zset: session
              -> last seen on the fleet's clock, ms) are built from it
      ARGV[2] a gap between ticks longer than this, ms, was an outage
      ARGV[3] most that is answered of each
      ARGV[4] how long a missing head may hold others back, ms
      ARGV[5] how long the hash of an expired node outlives its lease, ms
      ARGV[6] how long an utterance may wait for a node before it is asked again anyway, ms
      ARGV[7] how long a session that nobody attends waits for its client, ms
      ARGV[8] now, ms, or ''

    Output:
      { node-incarnation ... to be fenced }, { attempt ... overdue }, { session ... with a gap to mark },
      { job ... waiting that is to be asked again }, { session ... that nobody attends }
]]
--- @include "clock"
--- @include "pool"
--- @include "choose"
--- @include "waiting"
local now = wallClock(ARGV[8])
local fleet = tickClock(KEYS[3], now, tonumber(ARGV[2]))
for _, id in ipairs(redis.call("ZRANGEBYSCORE", KEYS[1], "-inf", fleet, "LIMIT", 0, ARGV[3])) do
  local node = ARGV[1] .. ":node:" .. id
  local incarnation = redis.call("HGET", node, "incarnation")
  if incarnation then
    leavePool(ARGV[1], id)
    redis.call("HSET", node, "state", "gone")
    redis.call("PEXPIRE", node, ARGV[5])
    redis.call("ZADD", KEYS[2], now, id .. "-" .. incarnation)
  end
  redis.call("ZREM", KEYS[1], id)
end
return {
  redis.call("ZRANGE", KEYS[2], 0, ARGV[3] - 1),
  redis.call("ZRANGEBYSCORE", KEYS[4], "-inf", fleet, "LIMIT", 0, ARGV[3]),
  redis.call("ZRANGEBYSCORE", KEYS[5], "-inf", now - ARGV[4], "LIMIT", 0, ARGV[3]),
  dueWaiting(ARGV[1], fleet - ARGV[6], tonumber(ARGV[3])),
  redis.call("ZRANGEBYSCORE", ARGV[1] .. ":sessions", "-inf", fleet - ARGV[7], "LIMIT", 0, ARGV[3]),
}
