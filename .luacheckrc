std = "min"
max_line_length = 120
read_globals = { "redis", "KEYS", "ARGV", "cjson", "struct", "unpack" }

-- Scripts include these at load time: what one defines, another calls.
local shared = {
  "FULL", "wallClock", "notePace", "fleetClock", "tickClock", "rateNode", "waitOn", "enterPool", "leavePool", "freeSlot",
  "blameNode", "poolsOf", "triesOf", "bestOf", "moveHome", "bindHome", "preferHome", "readAttempt", "endAttempt",
  "moveAudio", "renameAudio", "nextEpoch", "supersede", "takenIndices", "beginAttempt", "DEPTH", "isUnable", "servedPools",
  "sweepSlot", "freeSlots", "isBehind", "joinWaiting", "leaveWaiting", "dueWaiting", "nextFor", "emit", "emitOutcome", "release",
}
for _, room in ipairs({ "session", "routing", "completion", "fleet", "shared" }) do
  files["lua/" .. room] = { read_globals = shared }
end
files["lua/shared"] = { read_globals = shared, ignore = { "211", "431" } }
