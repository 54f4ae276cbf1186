--[[
  Move a session to another connection: a new epoch, a new token. The token before it stays valid until
  the new one is first used, so that a lost answer locks nobody out. A closed session stays as it is: only
  its results are left, until they expire. Where Redis has begun another life since the last time, it may
  have come back older: then all results that wait are numbered anew, behind the last one the client has.

    Input:
      KEYS[1] session hash  (token, previous: hashes of resume tokens)
      KEYS[2] order         (hash: head, seq, last)
      KEYS[3] sessions      (zset: session -> last seen on the fleet's clock, ms)
      KEYS[4] clock
      KEYS[5] held          (zset: index -> ms)
      KEYS[6] outbox        (stream: seq -> result)

      ARGV[1] prefix; gateway:<g> of the old connection and utterances:<job> are built from it
      ARGV[2] session id
      ARGV[3] hash of the token shown
      ARGV[4] hash of the token given from now on
      ARGV[5] gateway
      ARGV[6] subject
      ARGV[7] life of Redis
      ARGV[8] seq of the last result that the client has
      ARGV[9] now, ms, or ''

    Output:
      resumed, epoch, state, request, last index or '', reason of the close or '', how many indices are taken
      rejected, unknown_session
]]
--- @include "clock"
--- @include "epoch"
--- @include "taken"
local function renumber(outbox, order, seq)
  local entries, life = redis.call("XRANGE", outbox, "-", "+"), redis.call("PTTL", outbox)
  redis.call("DEL", outbox)
  for _, entry in ipairs(entries) do
    seq = seq + 1
    redis.call("XADD", outbox, ("%.0f-0"):format(seq), unpack(entry[2]))
  end
  if life > 0 then
    redis.call("PEXPIRE", outbox, life)
  end
  redis.call("HSET", order, "seq", seq)
end
local was = redis.call(
  "HMGET", KEYS[1], "token", "previous", "epoch", "gateway", "state", "request", "subject", "reason", "run"
)
if not was[1] then
  return { "unknown_session" }
elseif was[7] ~= ARGV[6] or (ARGV[3] ~= was[1] and ARGV[3] ~= was[2]) then
  return { "rejected" }
end
local now = wallClock(ARGV[9])
local epoch = nextEpoch(was[3], now)
if was[9] ~= ARGV[7] then
  renumber(KEYS[6], KEYS[2], tonumber(ARGV[8]))
end
redis.call(
  "HSET", KEYS[1], "epoch", epoch, "previous", ARGV[3], "token", ARGV[4], "gateway", ARGV[5], "run", ARGV[7]
)
if was[5] ~= "closed" then
  redis.call("ZADD", KEYS[3], fleetClock(KEYS[4], now), ARGV[2])
end
supersede(ARGV[1], was[4], ARGV[2], epoch)
local last = redis.call("HGET", KEYS[2], "last") or ""
return { "resumed", epoch, was[5], was[6], last, was[8] or "", takenIndices(ARGV[1], ARGV[2], KEYS[2], KEYS[5]) }
