import { scriptedAudio } from '../../workers/engines/scripted.ts'
import { listen } from '../support/listen.ts'
import { expect, test } from '../support/test.ts'

const SESSIONS = 5
const EACH = 8
/** One at work, two more in the hands of the node: whoever was placed before any line. */
const IN_HAND = 3

test('forty utterances on a node that takes one are all done, oldest first', async ({ world }) => {
  const scheduler = await world.scheduler()
  await world.node({ LINGUA_NODE_CAPACITY: '1' })
  const cut: string[] = []
  const started: string[] = []
  const sessions = await Promise.all(
    Array.from({ length: SESSIONS }, async () => {
      const session = await world.client(scheduler)
      session.on('finalized', ({ index }) => cut.push(`${session.id} ${index}`))
      session.on('progress', ({ stage, index }) => {
        if (stage === 'started') started.push(`${session.id} ${index}`)
      })
      return { session, heard: listen(session) }
    }),
  )
  for (let i = 0; i < EACH; i += 1)
    for (const { session } of sessions) {
      session.append(scriptedAudio({ text: `${i}`, recognizeMs: 30 }))
      await session.commit()
    }
  const finals = await Promise.all(sessions.map(({ heard }) => heard.finals(EACH)))
  expect(finals.flat().map(({ outcome }) => outcome)).toEqual(
    Array.from({ length: SESSIONS * EACH }, () => 'translated'),
  )
  expect(started.slice(IN_HAND)).toEqual(cut.slice(IN_HAND))
})
