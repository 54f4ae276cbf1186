--[[
  End the current attempt, if one is named, and begin the next one: the only place where either happens.

    Input:
      KEYS[1] session hash
      KEYS[2] outcomes   (hash: index -> outcome)
      KEYS[3] attempt record of the job
      KEYS[4] home hash  (index, node, incarnation)
      KEYS[5] deadlines  (zset: attempt -> ms on the fleet's clock)
      KEYS[6] clock

      ARGV[1] prefix; pair:<p>, profile:<p>, node:<n>, slots:<n>-<inc> and gateway:<g> are built from it
      ARGV[2] job id
      ARGV[3] index
      ARGV[4] number of the attempt that ended, 0 if none did
      ARGV[5] how: an error code, or '' when the child is gone without a word
      ARGV[6] pairs, all of which the node must serve, by spaces; +speech where somebody offers it
      ARGV[7] bind or clear: what the cut's reason does to the session's home
      ARGV[8] affinity penalty, ms
      ARGV[9] home's life, ms
      ARGV[10] start deadline, ms; the estimated wait on the node is granted twice on top
      ARGV[11] overall deadline, ms
      ARGV[12] most errors, and most re-homes
      ARGV[13] wait before going back to a node already tried, ms
      ARGV[14] record's life, ms
      ARGV[15] now, ms, or ''

    Output:
      node, n, id, incarnation, wait, home | balance | rehome
      wait, ms                       only tried nodes are left, or Redis was away: come back
      no_node, since ms, n full, n unable   nobody can take it now: it waits in its list
      exhausted, code                errors or re-homes are used up
      deadline, settled, superseded, unknown_session
]]
--- @include "clock"
--- @include "pool"
--- @include "choose"
--- @include "waiting"
--- @include "home"
--- @include "attempt"
local prefix, job, index, ended, why = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local now = wallClock(ARGV[15])
local fleet = fleetClock(KEYS[6], now)
local pools, pairs = servedPools(prefix, ARGV[6])
local list = pairs:gsub(" ", ",")
if redis.call("HEXISTS", KEYS[2], index) == 1 then
  leaveWaiting(prefix, KEYS[3], job)
  return { "settled" }
end
local record = readAttempt(KEYS[3], fleet, now, ARGV[14])
if ended ~= record.n then
  return { "superseded" }
elseif record.open then
  endAttempt(prefix, pairs, { key = KEYS[3], job = job, record = record, why = why, fleet = fleet, now = now })
end
local gateway = redis.call("HGET", KEYS[1], "gateway")
local most = tonumber(ARGV[12])
local over = not gateway and { "unknown_session" }
  or fleet - record.created > tonumber(ARGV[11]) and { "deadline" }
  or record.errors >= most and { "exhausted", record.code }
  or record.rehomes > most and { "exhausted", "node_lost" }
if over then
  leaveWaiting(prefix, KEYS[3], job)
  return over
end

if why == "dependency_down" and record.open then
  return { "wait", ARGV[13] }
end
local home = moveHome(KEYS[4], index, ARGV[7], ARGV[9])
local best, out = bestOf(prefix, pairs, pools, KEYS[3])
if not best or isBehind(prefix, list, pools, record.created) then
  joinWaiting(prefix, KEYS[3], list, job, record.created)
  redis.call("HSETNX", KEYS[3], "noNodeAt", fleet)
  return { "no_node", fleet - redis.call("HGET", KEYS[3], "noNodeAt"), out.full, out.unable }
elseif best.tried > 0 and fleet - record.endedAt < tonumber(ARGV[13]) then
  return { "wait", ARGV[13] }
end
leaveWaiting(prefix, KEYS[3], job)
local chosen, decision = preferHome(prefix, pairs, pools, KEYS[3], home, best, tonumber(ARGV[8]))
local n = record.n + 1
local incarnation = redis.call("HGET", prefix .. ":node:" .. chosen.id, "incarnation")
beginAttempt(KEYS[3], n, chosen.id, incarnation)
redis.call("ZADD", prefix .. ":slots:" .. chosen.id .. "-" .. incarnation, fleet, job .. "." .. n)
redis.call("ZADD", KEYS[5], fleet + ARGV[10] + 2 * chosen.wait, job .. "." .. n)
rateNode(prefix, chosen.id, now)
bindHome(KEYS[4], index, ARGV[7], chosen.id, incarnation, ARGV[9])
redis.call("PUBLISH", prefix .. ":gateway:" .. gateway, "progress " .. job .. "." .. n .. " dispatched ")
return { "node", n, chosen.id, incarnation, chosen.wait, decision }
