--[[
  Move a session to another connection: a new epoch, a new token. The token before it stays valid until
  the new one is first used, so that a lost answer locks nobody out.

    Input:
      KEYS[1] session hash  (token, previous: hashes of resume tokens)
      KEYS[2] order         (hash: head, seq, last)
      KEYS[3] sessions      (zset: session -> last seen, ms)

      ARGV[1] prefix; gateway:<g> of the old connection is built from it
      ARGV[2] session id
      ARGV[3] hash of the token shown
      ARGV[4] hash of the token given from now on
      ARGV[5] gateway
      ARGV[6] subject
      ARGV[7] now, ms, or ''

    Output:
      resumed, epoch, state, request, last index or '', reason of the close or ''
      rejected, unknown_session
]]
--- @include "clock"
local was = redis.call(
  "HMGET", KEYS[1], "token", "previous", "epoch", "gateway", "state", "request", "subject", "reason"
)
if not was[1] then
  return { "unknown_session" }
elseif was[7] ~= ARGV[6] or (ARGV[3] ~= was[1] and ARGV[3] ~= was[2]) then
  return { "rejected" }
end
local epoch = redis.call("HINCRBY", KEYS[1], "epoch", 1)
redis.call("HSET", KEYS[1], "previous", ARGV[3], "token", ARGV[4], "gateway", ARGV[5])
redis.call("ZADD", KEYS[3], wallClock(ARGV[7]), ARGV[2])
redis.call("PUBLISH", ARGV[1] .. ":gateway:" .. was[4], "superseded " .. ARGV[2] .. " " .. epoch)
return { "resumed", epoch, was[5], was[6], redis.call("HGET", KEYS[2], "last") or "", was[8] or "" }
