import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { cpus, release, totalmem, type } from 'node:os'
import { promisify } from 'node:util'
import { findRedisServer } from '../../src/platform/redis-server.ts'

/** What the figures were measured on. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGB: number
  readonly system: string
  readonly node: string
  readonly redis: string
  readonly bullmq: string
}

/** Describes this machine and what runs on it. */
export async function describeMachine(): Promise<Machine> {
  const { stdout } = await promisify(execFile)(await findRedisServer(), ['--version'])
  const bullmq: { version: string } = createRequire(import.meta.url)('bullmq/package.json')
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGB: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    node: process.versions.node,
    redis: /\bv=(\S+)/.exec(stdout)?.[1] ?? 'unknown',
    bullmq: bullmq.version,
  }
}

/** The machine in one line. */
export const machineLine = (is: Machine): string =>
  `${is.cores} cores (${is.cpu}), ${is.memoryGB} GB, ${is.system}, ` +
  `Node ${is.node}, Redis ${is.redis}, BullMQ ${is.bullmq}`
