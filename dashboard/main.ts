import { boot } from '../src/platform/boot.ts'
import { createDashboard } from './server.ts'

const help = `
Usage: npm run dashboard

Serves the fleet page and Bull Board on this machine: / and /queues on LINGUA_DASHBOARD_PORT.
It only reads, unless LINGUA_DASHBOARD_WRITE=1. Without REDIS_URL it uses the Redis of the
scheduler that runs in this folder. Settings are environment variables; the README lists them.
`

await boot({
  name: 'dashboard',
  help,
  redis: 'find',
  async run({ config, store, log }) {
    const dashboard = createDashboard({
      redis: store.control,
      keys: store.keys,
      host: config.host,
      port: config.dashboard.port,
      write: config.dashboard.write,
      log,
    })
    await dashboard.start()
    const stop = (timeoutMs: number) => dashboard.stop(AbortSignal.timeout(timeoutMs))
    return { shown: { url: dashboard.url }, stop }
  },
})
