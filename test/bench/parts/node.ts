import type { Redis } from 'ioredis'
import { boot } from '../../../src/platform/boot.ts'
import type { Store } from '../../../src/platform/redis.ts'
import { createScriptedEngine } from '../../../workers/engines/scripted.ts'
import { createNode, type Engine } from '../../../workers/node.ts'
import { sharedNow } from '../clock.ts'

/**
 * A node with the scripted engine whose transcript is the instant at which its processor began. That
 * reads the audio first of all, which is where the instant is taken.
 */
function stamping(store: Store, engine: Engine): { store: Store; engine: Engine } {
  const began = new WeakMap<Buffer, number>()
  const read: Redis['getrangeBuffer'] = async (...range) => {
    const at = sharedNow()
    const bytes = await store.audio.getrangeBuffer(...range)
    began.set(bytes, at)
    return bytes
  }
  const audio: Redis = Object.create(store.audio, { getrangeBuffer: { value: read } })
  return {
    store: { ...store, audio },
    engine: {
      ...engine,
      begin(utterance) {
        const stages = engine.begin(utterance)
        const at = began.get(utterance.audio)
        return {
          ...stages,
          recognize: async () => ({ ...(await stages.recognize()), text: String(at) }),
        }
      },
    },
  }
}

await boot({
  name: 'node',
  help: '',
  redis: 'find',
  async run(context) {
    const { config } = context
    const scripted = createScriptedEngine({ node: config.node.id, pairs: config.node.pairs })
    const node = await createNode({ ...context, ...stamping(context.store, scripted) })
    return { shown: { node: node.id }, stop: (timeoutMs) => node.stop(timeoutMs) }
  },
})
