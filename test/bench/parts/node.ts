import type { Redis } from 'ioredis'
import { boot } from '../../../src/platform/boot.ts'
import type { Store } from '../../../src/platform/redis.ts'
import { createScriptedEngine } from '../../../workers/engines/scripted.ts'
import { createNode, type Engine } from '../../../workers/node.ts'
import { sharedNow } from '../clock.ts'

/**
 * A node with the scripted engine whose transcript is the instant at which its processor began, and the
 * translation the instant at which it has nothing left to do. It reads the audio first of all, which is
 * where the first instant is taken.
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
          async translate(...args) {
            await stages.translate(...args)
            return String(sharedNow())
          },
        }
      },
    },
  }
}

/** How many nodes live in this process: a fleet of a hundred processes would measure the machine. */
const COUNT = Number(process.env['BENCH_NODES'] ?? 1)

await boot({
  name: 'node',
  help: 'A node of the benchmark.',
  redis: 'find',
  async run(context) {
    const nodes = await Promise.all(
      Array.from({ length: COUNT }, (_, i) => {
        const { id, pairs } = context.config.node
        const node = { ...context.config.node, id: COUNT === 1 ? id : `${id}-${i}` }
        const scripted = createScriptedEngine({ node: node.id, pairs })
        const config = { ...context.config, node }
        return createNode({ ...context, config, ...stamping(context.store, scripted) })
      }),
    )
    return {
      shown: { nodes: nodes.map((node) => node.id) },
      stop: async (timeoutMs) =>
        void (await Promise.all(nodes.map((node) => node.stop(timeoutMs)))),
    }
  },
})
