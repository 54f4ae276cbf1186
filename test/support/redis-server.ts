import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { findRedisServer, startRedisServer } from '../../src/platform/redis-server.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    redisUrl: string
  }
}

/** One redis-server for the whole run, on a unix socket: no port to clash, nothing on disk. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const program = await findRedisServer()
  const dir = await mkdtemp(join(tmpdir(), 'redis-'))
  const settings = ['port 0', 'unixsocket redis.sock', 'save ""', 'appendonly no', 'hz 100']
  const server = await startRedisServer({ program, dir, settings })
  if (!server) throw new Error(`${dir} is new, yet another server holds it`)
  project.provide('redisUrl', join(dir, 'redis.sock'))
  return async () => {
    server.kill()
    await server.ended
    await rm(dir, { recursive: true, force: true })
  }
}
