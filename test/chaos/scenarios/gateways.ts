import type { Scenario } from '../scenario.ts'
import type { Stage } from '../stage.ts'
import { scripted } from '../speech.ts'
import { openTalk } from '../talk.ts'
import type { Strike } from '../member.ts'
import { until } from './steps.ts'

/** Where a gateway dies that holds a session: each with what lies behind it undone. */
const POINTS: readonly Omit<Strike, 'signal'>[] = [
  // between ack and cut
  { script: 'appendAudio', when: 'after', nth: 3 },
  { script: 'cutAudio', when: 'before', nth: 1 },
  // between cut and enqueue
  { script: 'cutAudio', when: 'after', nth: 1 },
  { script: 'addStandardJob', when: 'before', nth: 1, match: ':utterances:' },
  // between enqueue and settle
  { script: 'addStandardJob', when: 'after', nth: 1, match: ':utterances:' },
  { script: 'moveToWaitingChildren', when: 'after', nth: 1 },
  { script: 'settle', when: 'before', nth: 1 },
  { script: 'settle', when: 'after', nth: 1 },
]

const DONE_MS = 45_000

/** The one gateway that holds the session dies at a point; the client goes on at the next. */
async function dieAt(stage: Stage, point: (typeof POINTS)[number]): Promise<void> {
  const [first, second] = stage.schedulers
  if (!first || !second) throw new Error('two schedulers are needed')
  await second.kill()
  await first.kill()
  await first.start([{ ...point, signal: 'SIGKILL' }])
  const { urls, history } = stage
  const talk = await openTalk({ urls, history, client: `at ${point.when} ${point.script}` })
  talk.append(scripted({ text: 'said before', recognizeMs: 50 }, 400))
  const committed = talk.commit()
  talk.append(scripted({ text: 'said meanwhile', recognizeMs: 50 }, 400))
  const behind = talk.commit()
  await until(`the gateway died ${point.when} ${point.script}`, () => !first.isUp)
  await second.start()
  await Promise.all([committed, behind])
  await talk.quiet(DONE_MS)
  await talk.close()
}

const deaths: Scenario = {
  name: 'gateway-deaths',
  what: 'the gateway of a session dies between ack and cut, cut and enqueue, enqueue and settle',
  cast: { schedulers: 2, nodes: 1, isBare: true },
  clients: 0,
  async faults(stage) {
    const [first] = stage.schedulers
    await first?.start()
    await stage.nodes[0]?.start()
    for (const point of POINTS) await dieAt(stage, point)
  },
}

export const GATEWAY_SCENARIOS: readonly Scenario[] = [deaths]
