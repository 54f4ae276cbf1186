import type { Session } from '../../src/client/client.ts'
import type { Store } from '../../src/platform/redis.ts'
import type { Part } from '../../src/tools/processes.ts'
import { scriptedAudio } from '../../workers/engines/scripted.ts'
import type { Strike } from '../chaos/member.ts'
import { expect, test } from '../support/fleet.ts'
import { listen } from '../support/listen.ts'

/** Settings of a process that is killed at a named script. */
const struckAt = (strike: Omit<Strike, 'nth' | 'signal'>): Record<string, string> => ({
  NODE_OPTIONS: `--import ${new URL('../chaos/preload.mjs', import.meta.url).href}`,
  CHAOS_STRIKES: JSON.stringify([{ ...strike, nth: 1, signal: 'SIGKILL' }]),
})

/** Says one thing after another until the process is dead, and three more; answers how many. */
async function speakUntil(session: Session, { ended }: Part): Promise<number> {
  const over = { is: false }
  void ended.then(() => (over.is = true))
  let said = 0
  for (let more = 3; more > 0; said += 1) {
    session.append(scriptedAudio({ text: `${said}`, recognizeMs: 50 }))
    await session.commit()
    if (over.is) more -= 1
  }
  return said
}

const slotsOf = async ({ control, keys }: Store): Promise<string[]> => {
  const held = await control.keys(`${keys.prefix}:slots:*`)
  return [...held, ...(await control.zrange(keys.deadlines, '0', '-1'))]
}

test.for([
  ['a scheduler between its decision and the child', 'scheduler', 'route', 'after', undefined],
  ['a scheduler before it adds the child', 'scheduler', 'addStandardJob', 'before', '.1'],
  ['a scheduler once the child is added', 'scheduler', 'addStandardJob', 'after', '.1'],
  ['a scheduler once it has asked whether it may stay', 'scheduler', 'confirmAttempt', 'after', ''],
  ['a scheduler before it settles', 'scheduler', 'settle', 'before', undefined],
  ['a scheduler that has settled', 'scheduler', 'settle', 'after', undefined],
  ['a node that has started', 'node', 'progress', 'after', undefined],
  ['a node before it tells its result', 'node', 'moveToFinished', 'before', undefined],
  ['a node that has told its result', 'node', 'moveToFinished', 'after', undefined],
] as const)(
  'the death of %s leaves no slot taken and no child behind',
  async ([, who, script, when, match], { fleet, store }) => {
    const strike = struckAt({ script, when, ...(match !== undefined && { match }) })
    const [healthy, struck] = await Promise.all([
      fleet.scheduler(),
      who === 'scheduler' ? fleet.scheduler(strike) : fleet.node('struck', strike),
      fleet.node('n1'),
    ])
    const session = await fleet.client([healthy])
    const heard = listen(session)
    const said = await speakUntil(session, struck)
    const finals = await heard.finals(said)
    expect(finals.map(({ outcome }) => outcome)).toEqual(finals.map(() => 'translated'))
    await expect.poll(() => slotsOf(store), { timeout: 5000 }).toEqual([])
    const { control, keys } = store
    for (const state of ['wait', 'active'])
      for (const queue of await control.keys(`${keys.prefix}:node-*:${state}`))
        expect(await control.lrange(queue, 0, -1), queue).toEqual([])
    expect(await control.zcard(`${keys.prefix}:utterances:waiting-children`)).toBe(0)
  },
)

test('a frozen node whose id another process has taken is told so, and gets nothing of the other', async ({
  fleet,
  store,
}) => {
  const { control, keys } = store
  const scheduler = await fleet.scheduler()
  const old = await fleet.node('n1')
  const oldLife = await control.hget(`${keys.prefix}:node:n1`, 'incarnation')
  const session = await fleet.client([scheduler])
  const heard = listen(session)
  const say = async (text: string, recognizeMs: number): Promise<void> => {
    session.append(scriptedAudio({ text, recognizeMs }))
    await session.commit()
  }
  const started = new Promise<void>((resolve) => {
    session.on('progress', ({ stage }) => stage === 'started' && resolve())
  })
  await say('frozen', 500)
  await started
  old.kill('SIGSTOP')
  const twin = await fleet.node('n1')
  const life = await control.hget(`${keys.prefix}:node:n1`, 'incarnation')
  expect(await heard.final(0)).toMatchObject({ attempts: 2, transcript: 'frozen' })
  const traces = (of: string | null) =>
    control.keys(`${keys.prefix}:*`).then((all) => all.filter((key) => key.includes(`${of}`)))
  await expect.poll(() => traces(oldLife)).toEqual([])
  twin.kill('SIGSTOP')
  await say('of the twin', 0)
  await expect.poll(() => traces(life)).toContain(`${keys.prefix}:node-n1-${life}:wait`)
  old.kill('SIGCONT')
  // The thawed one begins a life of its own, and so ends that of its twin.
  await expect
    .poll(() => control.hget(`${keys.prefix}:node:n1`, 'incarnation'), { timeout: 5000 })
    .not.toBe(life)
  expect(await heard.final(1)).toMatchObject({ transcript: 'of the twin', attempts: 2 })
  await expect.poll(() => traces(oldLife)).toEqual([])
  old.kill('SIGKILL')
  await old.ended
  twin.kill('SIGCONT')
  await say('after all', 0)
  expect(await heard.final(2)).toMatchObject({ transcript: 'after all' })
  await expect.poll(() => traces(life)).toEqual([])
})
