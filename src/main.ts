import { boot } from './platform/boot.ts'
import { createScheduler } from './scheduler.ts'

const help = `
Usage: npm start

Starts a scheduler: clients connect to it with Socket.IO, nodes take work from it through Redis.
Without REDIS_URL it starts a private Redis whose state stays in .lingua/redis.
Settings are environment variables; the README lists them. Ctrl-C stops it cleanly.
`

await boot({
  name: 'scheduler',
  help,
  redis: 'start',
  async run(context) {
    const scheduler = await createScheduler(context)
    return { shown: { url: scheduler.url }, stop: (timeoutMs) => scheduler.stop(timeoutMs) }
  },
})
