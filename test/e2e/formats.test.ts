import { scriptedAudio } from '../../workers/engines/scripted.ts'
import { START } from '../support/raw-client.ts'
import { expect, test } from '../support/test.ts'

const PCM = 'pcm_s16le'

test('audio of any other format is told to be unsupported, and the connection may start anew', async ({
  world,
}) => {
  const scheduler = await world.scheduler()
  await world.node()
  const client = world.raw(scheduler)
  const formats: readonly unknown[] = [
    { encoding: 'opus', sampleRate: 48_000 },
    { encoding: PCM, sampleRate: 7999 },
    { encoding: PCM, sampleRate: 48_001 },
    { encoding: PCM, sampleRate: 22_050.5 },
    { encoding: PCM, sampleRate: '16000' },
    { encoding: PCM },
    { encoding: PCM, sampleRate: 16_000, channels: 2 },
    'wav',
    null,
  ]
  const answers: unknown[] = []
  for (const audio of formats) answers.push(await client.start({ ...START, audio }))
  const supported = { encoding: PCM, channels: 1, sampleRate: { min: 8000, max: 48_000 } }
  expect(answers).toMatchObject(
    formats.map(() => ({ ok: false, error: { code: 'unsupported_audio', details: supported } })),
  )
  expect(await client.start({ ...START, target: 5 })).toMatchObject({
    error: { code: 'bad_request' },
  })
  expect(await client.start({ ...START, audio: undefined })).toMatchObject({ ok: true })
})

test.for([8000, 11_025, 44_100, 48_000])(
  'at %i Hz a second of audio is an utterance of a second',
  async (sampleRate, { world }) => {
    const scheduler = await world.scheduler()
    await world.node()
    const client = world.raw(scheduler)
    await client.grant({ ...START, audio: { encoding: PCM, sampleRate } })
    client.append(0, scriptedAudio({ text: 'hello' }, sampleRate * 2))
    await client.ask('utterance.commit', { through: 0 })
    expect(await client.until(() => client.results[0])).toMatchObject({
      transcript: 'hello',
      timings: { audioMs: 1000 },
    })
    expect(client.finalized).toMatchObject([{ startMs: 0, durationMs: 1000 }])
  },
)

test('a source that is to be found out is taken with its candidates, and not without', async ({
  world,
}) => {
  const scheduler = await world.scheduler()
  await world.node({ LINGUA_NODE_PAIRS: 'en>es,ca>es' })
  const client = world.raw(scheduler)
  const auto = { ...START, source: 'auto' }
  expect(await client.start(auto)).toMatchObject({ error: { code: 'bad_request' } })
  expect(await client.start({ ...auto, candidates: ['en', 'ca'] })).toMatchObject({ ok: true })
  client.append(0, scriptedAudio({ text: 'hello' }))
  await client.ask('utterance.commit', { through: 0 })
  expect(await client.until(() => client.results[0])).toMatchObject({ outcome: 'translated' })
})
