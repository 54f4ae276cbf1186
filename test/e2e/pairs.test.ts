import { createScriptedEngine, scriptedAudio } from '../../workers/engines/scripted.ts'
import { listen } from '../support/listen.ts'
import { expect, test } from '../support/test.ts'

test('a pair that nobody serves is refused at the start, naming those that are', async ({
  world,
}) => {
  const scheduler = await world.scheduler()
  const node = await world.node({ LINGUA_NODE_PAIRS: 'en>es,ca>es' })
  await expect(world.client(scheduler, { target: 'fr' })).rejects.toMatchObject({
    code: 'unsupported_pair',
    message: 'No node serves en>fr; served now: ca>es, en>es.',
    retryAfterMs: 1000,
    details: { pairs: ['ca>es', 'en>es'] },
  })
  await node.stop(1000)
  await expect(world.client(scheduler)).rejects.toMatchObject({
    code: 'unsupported_pair',
    message: 'No node serves en>es; no node is ready.',
    details: { pairs: [] },
  })
})

test('auto is served where one node goes every way that may be needed', async ({ world }) => {
  const scheduler = await world.scheduler()
  await world.node({ LINGUA_NODE_PAIRS: 'en>es' })
  await world.node({ LINGUA_NODE_PAIRS: 'ca>es' })
  const wanted = { source: 'auto', candidates: ['en', 'ca', 'es'], target: 'es' }
  await expect(world.client(scheduler, wanted)).rejects.toMatchObject({
    code: 'unsupported_pair',
    message: 'No node serves en>es and ca>es; served now: ca>es, en>es.',
  })
  await world.node({ LINGUA_NODE_ID: 'both', LINGUA_NODE_PAIRS: 'en>es,ca>es' })
  const session = await world.client(scheduler, wanted)
  const heard = listen(session)
  session.append(scriptedAudio({ text: 'hola' }))
  await session.commit()
  expect(await heard.final(0)).toMatchObject({ outcome: 'translated', node: 'both' })
})

test('auto between a language and itself is no pair', async ({ world }) => {
  const scheduler = await world.scheduler()
  await world.node()
  const wanted = { source: 'auto', candidates: ['es'], target: 'es' }
  await expect(world.client(scheduler, wanted)).rejects.toMatchObject({ code: 'unsupported_pair' })
})

test('speech that nobody offers does not keep the text away', async ({ world }) => {
  const scheduler = await world.scheduler()
  const engine = createScriptedEngine({ node: 'mute', pairs: ['en>es'] })
  const languages = { ...engine.languages, synthesize: [] }
  await world.node({ LINGUA_NODE_ID: 'mute' }, { ...engine, languages })
  const session = await world.client(scheduler, { speech: true })
  const heard = listen(session)
  session.append(scriptedAudio({ text: 'hello' }))
  await session.commit()
  expect(await heard.final(0)).toMatchObject({
    outcome: 'translated',
    translation: '[es] hello',
    attempts: 1,
  })
})
