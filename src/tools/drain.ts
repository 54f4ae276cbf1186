import { parseArgs } from 'node:util'
import { createFleetScripts, type Drained } from '../../lua/fleet.ts'
import { readConfig } from '../platform/config.ts'
import { findEmbeddedRedis } from '../platform/embedded-redis.ts'
import { leasePolicy } from '../platform/limits.ts'
import { createLog } from '../platform/log.ts'
import { openStore, type Store } from '../platform/redis.ts'
import { LinguaError } from '../protocol/codes.ts'
import { ID_PATTERN, nodeId } from '../protocol/ids.ts'

const HELP = `
Usage: npm run drain -- NODE

Takes a node out of service without losing anything: from now on it is given no work, what waits on it goes
to other nodes at once, what runs is finished, and then its process ends.

  NODE    its id, as npm run explain and the dashboard show it
  --help  show this
`

async function openFleet(): Promise<Store> {
  const { redisUrl, audioRedisUrl, keyPrefix } = readConfig()
  const url = redisUrl ?? (await findEmbeddedRedis(process.cwd()))
  if (url === undefined)
    throw new LinguaError(
      'dependency_down',
      'no scheduler runs in this folder: run it where one does, or set REDIS_URL',
    )
  const log = createLog('silent', 'drain')
  return openStore({ url, audioUrl: audioRedisUrl, prefix: keyPrefix, name: 'drain', log })
}

/** What became of the order, in words; throws `bad_request` if there was nobody to take it. */
async function order({ call, control, keys }: Store, id: string): Promise<string> {
  const { leaseMs } = readConfig()
  const fleet = createFleetScripts({ call, keys, policy: leasePolicy(leaseMs) })
  const answer = await fleet.drainNode(nodeId(id))
  switch (answer.kind) {
    case 'ordered':
      return `${id} drains: it is given nothing more and leaves ${workOf(answer)}`
    case 'draining':
      return `${id} was draining already: it leaves ${workOf(answer)}`
    case 'gone':
      throw new LinguaError('bad_request', `${id} has left the fleet`)
    case 'unknown': {
      const nodes = await control.zrange(keys.nodes, '0', '-1')
      const there = nodes.length > 0 ? `there are: ${nodes.join(', ')}` : 'there is none'
      throw new LinguaError('bad_request', `no node ${id} is in the fleet; ${there}`)
    }
  }
}

const workOf = ({ held }: Extract<Drained, { held: number }>): string =>
  held === 0 ? 'at once' : `when the ${held} in its hands are finished or handed on`

async function run(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { help: { type: 'boolean', short: 'h', default: false } },
  })
  if (values.help) return void process.stdout.write(`${HELP.trim()}\n`)
  const [id, ...rest] = positionals
  if (!id || !ID_PATTERN.test(id) || rest.length > 0)
    throw new LinguaError('bad_request', 'the id of one node is needed')
  const store = await openFleet()
  try {
    process.stdout.write(`${await order(store, id)}\n`)
  } finally {
    await store.close()
  }
}

try {
  await run()
} catch (error) {
  process.stderr.write(`drain: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
