// The owner of an embedded Redis in a process of its own, to be killed: argument 1 is the folder.
import { once } from 'node:events'
import { Redis } from 'ioredis'
import { startEmbeddedRedis } from '../../dist/src/platform/embedded-redis.js'

const embedded = await startEmbeddedRedis({ folder: process.argv[2] })
const redis = new Redis(embedded.url)
const interrupted = once(process, 'SIGINT')
process.stdout.write(`${JSON.stringify({ url: embedded.url, owned: embedded.owned })}\n`)
await interrupted
// A shutdown that takes a while: longer than Redis would need to obey a SIGINT of its own.
await redis.blpop('nothing', 0.2)
await redis.set('last-words', 'written after Ctrl-C')
redis.disconnect()
await embedded.stop(AbortSignal.timeout(5000))
process.exitCode = 130
