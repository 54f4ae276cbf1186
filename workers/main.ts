import { boot } from '../src/platform/boot.ts'
import type { Config } from '../src/platform/config.ts'
import type { Log } from '../src/platform/log.ts'
import type { Engine } from './engine.ts'
import { openLocalEngine } from './engines/local.ts'
import { createScriptedEngine } from './engines/scripted.ts'
import { createNode } from './node.ts'

const help = `
Usage: npm run node

Starts an inference node: it joins the fleet, pulls utterances from a queue of its own, and recognizes,
translates and speaks them with the engines of this machine (LINGUA_NODE_ENGINE=local).
Without REDIS_URL it uses the Redis of the scheduler that runs in this folder.
Settings are environment variables; the README lists them. Ctrl-C stops it cleanly.
`

const openEngine = ({ node }: Config, log: Log): Promise<Engine> =>
  node.engine === 'local'
    ? openLocalEngine({ decoders: node.capacity, log })
    : Promise.resolve(createScriptedEngine({ node: node.id, pairs: node.pairs }))

await boot({
  name: 'node',
  help,
  redis: 'find',
  async run({ config, store, log }) {
    const engine = await openEngine(config, log)
    const node = await createNode({ config, store, engine, log })
    return {
      shown: { node: node.id, pairs: engine.languages.translate.map((pair) => pair.join('>')) },
      ended: node.drained,
      async stop(timeoutMs) {
        await node.stop(timeoutMs)
        await engine.close()
      },
    }
  },
})
