import type { Worked } from '../parts/engines.ts'
import type { Recited } from '../parts/recite.ts'
import type { Context, Figure, Measured, Row } from '../row.ts'
import type { Stage } from '../stage.ts'
import { median, spreadOf } from '../statistics.ts'
import { LIBRIVOX_FILES } from '../../../src/tools/recordings.ts'

/** Real speech through real engines: what the user waits for, and how much of it is ours. */
export const engines: Row = {
  name: 'engines',
  quick: true,
  async measure({ full, stage, tell }: Context): Promise<Measured> {
    const floor = stage.load('engines')
    await floor.ask('open')
    const { url } = await stage.scheduler()
    tell('warming up')
    await warmUp(stage, url)
    await stage.localNode('local')
    const recite = stage.load('recite')
    await recite.ask('open', { url })
    const direct: Worked[] = []
    const through: Recited[] = []
    for (let round = 0; round < (full ? 3 : 1); round++)
      for (const [recording] of LIBRIVOX_FILES.entries()) {
        tell(`recording ${recording + 1} of ${LIBRIVOX_FILES.length}, round ${round + 1}`)
        direct.push(await floor.ask<Worked>('work', { recording }))
        through.push(await recite.ask<Recited>('recite', { recording }))
      }
    await floor.ask('close')
    return { figures: figuresOf(direct, through) }
  },
}

const WARM_UP = 300

/** A scheduler in use is warm, and a few sentences of real speech would not make it so. */
async function warmUp(stage: Stage, url: string): Promise<void> {
  const node = await stage.node('scripted')
  const talk = stage.load('talk')
  await talk.ask('open', { url, raw: false, talkers: 1 })
  await talk.ask('idle', { count: WARM_UP, restMs: 0 })
  await talk.stop()
  await node.stop()
}

function figuresOf(direct: readonly Worked[], through: readonly Recited[]): Figure[] {
  const ours = through.map(({ speechMs, enginesMs }) => speechMs - enginesMs)
  const share = through.map(({ speechMs }, i) => ((ours[i] ?? NaN) * 100) / speechMs)
  const compared = (of: 'textMs' | 'speechMs') => ({
    floor: seconds(direct.map((each) => each[of])),
    system: seconds(through.map((each) => each[of])),
    score: spreadOf(through.map((each, i) => each[of] / (direct[i]?.[of] ?? NaN))),
    ...({ unit: 'x', better: 'less' } as const),
  })
  const note = `${through.length} sentences of real speech; floor: the engines called directly`
  return [
    {
      ...{ id: 'engines-share', what: "real engines: the scheduler's share of cut to speech" },
      ...{ floor: '-', system: `${median(ours).toFixed(0)} ms`, unit: '%', better: 'less' },
      ...{ score: spreadOf(share), must: 5, aim: 2 },
      notes: ['all of it in which no engine was at work; the cut is a commit, without a pause'],
    },
    {
      ...{ id: 'engines-text', what: 'real engines: cut to first text' },
      ...{ ...compared('textMs'), notes: [note] },
    },
    {
      ...{ id: 'engines-speech', what: 'real engines: cut to speech' },
      ...{ ...compared('speechMs'), notes: [] },
    },
  ]
}

const seconds = (ms: readonly number[]): string => `${(median(ms) / 1000).toFixed(2)} s`
