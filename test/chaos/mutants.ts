import type { PromiseId } from './checker/checker.ts'
import type { Patch } from './copy.ts'

/** The system without one of its guards, and the scenario that must then break a promise. */
export interface Mutant {
  /** The guard that is taken out. */
  readonly name: string
  readonly patches: readonly Patch[]
  readonly scenario: string
  /** At least one of these must be seen to break. */
  readonly breaks: readonly PromiseId[]
}

const without = (file: string, find: string, replace = ''): Patch => ({ file, find, replace })

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'epoch-check',
    patches: [
      without('lua/session/cutAudio-1.lua', 'elseif was[1] ~= ARGV[1] then', 'elseif false then'),
    ],
    scenario: 'old-gateway',
    breaks: ['P1', 'P6'],
  },
  {
    name: 'chunk-number-check',
    patches: [
      without('lua/session/appendAudio-1.lua', 'elseif chunk < next then', 'elseif false then'),
    ],
    scenario: 'repeated-chunks',
    breaks: ['P6', 'P11'],
  },
  {
    name: 'dedup-set',
    patches: [
      without(
        'lua/completion/settle-8.lua',
        'if redis.call("ZSCORE", KEYS[6], job) then',
        'if false then',
      ),
    ],
    scenario: 'repeat-within-window',
    breaks: ['P2'],
  },
  {
    name: 'settle-if-absent',
    patches: [
      without(
        'lua/completion/settle-8.lua',
        'elseif redis.call("HEXISTS", KEYS[4], index) == 1 then',
        'elseif false then',
      ),
    ],
    scenario: 'repeat-after-window',
    breaks: ['P2', 'P4'],
  },
  {
    name: 'fence-before-obliterate',
    patches: [
      without(
        'lua/fleet/tickWatch-5.lua',
        '    leavePool(ARGV[1], id)\n    redis.call("HSET", node, "state", "gone")\n',
      ),
    ],
    scenario: 'stranded-child',
    breaks: ['P7', 'P11'],
  },
  {
    name: 'confirm-attempt',
    patches: [
      without(
        'lua/routing/confirmAttempt-3.lua',
        'local isOver = node[1] ~= ARGV[2] or node[2] == "gone"',
        'local isOver = false',
      ),
      without(
        'lua/routing/confirmAttempt-3.lua',
        'if isOver or node[2] ~= "ready" then',
        'if false then',
      ),
    ],
    scenario: 'stranded-child',
    breaks: ['P7'],
  },
  {
    name: 'sever-on-entry',
    patches: [
      without(
        'src/utterances/processor.js',
        'for (const stray of entry.strays)',
        'for (const stray of [])',
      ),
    ],
    scenario: 'stray-child',
    breaks: ['P11'],
  },
  {
    name: 'outage-grace',
    patches: [
      without(
        'lua/shared/clock.lua',
        'elseif gap > grace and graces < 3 then',
        'elseif false then',
      ),
    ],
    scenario: 'busy-outages',
    breaks: ['P12b', 'P3'],
  },
  {
    name: 'slot-expiry',
    patches: [without('lua/fleet/beatNode-4.lua', 'sweepSlot(ARGV[1], ARGV[2], ARGV[3])\n')],
    scenario: 'removed-job',
    breaks: ['P9'],
  },
]
