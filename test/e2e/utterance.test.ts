import { scriptedAudio } from '../../workers/engines/scripted.ts'
import { listen } from '../support/listen.ts'
import { expect, test } from '../support/test.ts'

test('speech in one language comes back as text in another', async ({ world }) => {
  const scheduler = await world.scheduler()
  await world.node()
  const session = await world.client(scheduler)
  const heard = listen(session)
  session.append(scriptedAudio({ text: 'good morning' }))
  expect(await session.commit()).toBe(0)
  expect(await heard.final(0)).toMatchObject({
    seq: 1,
    index: 0,
    outcome: 'translated',
    transcript: 'good morning',
    translation: '[es] good morning',
    attempts: 1,
  })
})
