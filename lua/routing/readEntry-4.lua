--[[
  What a parent finds when it is entered: its current attempt, what became of that attempt's child, and which
  other children still hang on it. Reads only; what hangs on a parent is kept by BullMQ.

    Input:
      KEYS[1] attempt record of the job
      KEYS[2] processed     (hash: child -> its return value, JSON)
      KEYS[3] failed        (hash: child -> why)
      KEYS[4] dependencies  (set: children under way)

      ARGV[1] prefix; the attempt's child is called <prefix>:node-<n>-<inc>:<job>.<attempt> in them
      ARGV[2] job id

    Output:
      returned | failed | pending | none, value or why, attempt, node, incarnation, stray child ...
]]
local record = redis.call("HMGET", KEYS[1], "n", "node", "incarnation", "open")
local n, node, life = record[1] or "0", record[2] or "", record[3] or ""
local child = ("%s:node-%s-%s:%s.%s"):format(ARGV[1], node, life, ARGV[2], n)
local strays, isPending = {}, false
for _, key in ipairs(redis.call("SMEMBERS", KEYS[4])) do
  if key == child then
    isPending = true
  else
    strays[#strays + 1] = key
  end
end
local kind, value = "none", ""
if record[4] == "1" then
  local returned = redis.call("HGET", KEYS[2], child)
  local why = not returned and redis.call("HGET", KEYS[3], child)
  kind = returned and "returned" or why and "failed" or isPending and "pending" or "none"
  value = returned or why or ""
end
return { kind, value, n, node, life, unpack(strays) }
