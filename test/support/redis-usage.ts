import type { Redis } from 'ioredis'

/** What a Redis has done since its start or the last CONFIG RESETSTAT. */
export interface RedisUsage {
  /** Scripts run. */
  readonly scripts: number
  /** Commands run, those inside scripts included. */
  readonly commands: number
  /** Time spent in scripts, us. */
  readonly scriptUs: number
  /** CPU time of the thread that runs commands, us. */
  readonly cpuUs: number
  readonly bytesIn: number
  readonly bytesOut: number
  /** Calls and time, us, by command; commands inside scripts count here and in their script. */
  readonly byCommand: ReadonlyMap<string, { readonly calls: number; readonly us: number }>
}

/** Reads the counters of INFO. Reading them is itself counted, in the next answer. */
export async function readRedisUsage(redis: Redis): Promise<RedisUsage> {
  const text = await redis.info('everything')
  const number = (name: string): number =>
    Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(text)?.[1] ?? 0)
  const byCommand = new Map(
    [...text.matchAll(/^cmdstat_([^:]+):calls=(\d+),usec=(\d+)/gm)].map(
      ([, name = '', calls, us]) => [name, { calls: Number(calls), us: Number(us) }] as const,
    ),
  )
  const scripts = ['evalsha', 'eval'].map((name) => byCommand.get(name) ?? { calls: 0, us: 0 })
  return {
    scripts: total(scripts.map(({ calls }) => calls)),
    scriptUs: total(scripts.map(({ us }) => us)),
    commands: total([...byCommand.values()].map(({ calls }) => calls)),
    cpuUs: (number('used_cpu_user_main_thread') + number('used_cpu_sys_main_thread')) * 1_000_000,
    bytesIn: number('total_net_input_bytes'),
    bytesOut: number('total_net_output_bytes'),
    byCommand,
  }
}

/** What was done between two readings. */
export function usageBetween(before: RedisUsage, after: RedisUsage): RedisUsage {
  const byCommand = [...after.byCommand].map(([name, { calls, us }]) => {
    const was = before.byCommand.get(name) ?? { calls: 0, us: 0 }
    return [name, { calls: calls - was.calls, us: us - was.us }] as const
  })
  return {
    scripts: after.scripts - before.scripts,
    scriptUs: after.scriptUs - before.scriptUs,
    commands: after.commands - before.commands,
    cpuUs: after.cpuUs - before.cpuUs,
    bytesIn: after.bytesIn - before.bytesIn,
    bytesOut: after.bytesOut - before.bytesOut,
    byCommand: new Map(byCommand.filter(([, { calls }]) => calls > 0)),
  }
}

const total = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)
