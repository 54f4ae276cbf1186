import { readFile } from 'node:fs/promises'
import { scriptedAudio } from '../../workers/engines/scripted.ts'
import { expect, test } from '../support/fleet.ts'
import { listen } from '../support/listen.ts'

const SLOW_THREADS = new URL('../support/slow-threads.mjs', import.meta.url).href

test('a node whose threads take longer to start than its lease lasts begins one life', async ({
  fleet,
}) => {
  const lease = { LINGUA_NODE_LEASE_MS: '500' }
  const scheduler = await fleet.scheduler(lease)
  const node = await fleet.node('n1', {
    ...lease,
    NODE_OPTIONS: `--import ${SLOW_THREADS}`,
    SLOW_THREAD_MS: '1500',
  })
  const session = await fleet.client([scheduler])
  const heard = listen(session)
  session.append(scriptedAudio({ text: 'hello', recognizeMs: 1000 }))
  await session.commit()
  expect(await heard.final(0)).toMatchObject({ outcome: 'translated', attempts: 1 })
  expect(await readFile(node.log, 'utf8')).not.toContain('fenced')
})
