import type { Redis } from 'ioredis'
import { LinguaError } from '../protocol/codes.ts'

/** The oldest Redis whose commands and scripts the system may count on; Valkey reports 7.2 here. */
export const OLDEST_REDIS = '7.0'

/** Says whether a version as Redis writes it, such as 7.0.15, is not older than `OLDEST_REDIS`. */
export const isSupportedVersion = (version: string): boolean => Number.parseInt(version, 10) >= 7

/** The variable that says where a Redis is. */
type Setting = 'REDIS_URL' | 'AUDIO_REDIS_URL'

/**
 * Resolves if this Redis can be trusted with jobs and audio: new enough, and never evicting a key.
 * Else throws `dependency_down`, naming each fault and its remedy. Needs the right to run INFO only.
 */
export async function checkRedis(redis: Pick<Redis, 'info'>, setting: Setting): Promise<void> {
  const info = await readInfo(redis, setting)
  const faults = [...versionFaults(info, setting), ...policyFaults(info, setting)]
  if (faults.length > 0) throw new LinguaError('dependency_down', faults.join('\n'))
}

async function readInfo(redis: Pick<Redis, 'info'>, setting: Setting): Promise<string> {
  try {
    return await redis.info()
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause)
    const remedy = said.startsWith('NOPERM')
      ? 'give this user the right to it with ACL SETUSER <user> +info'
      : `see that ${setting} is right and that Redis runs`
    throw new LinguaError(
      'dependency_down',
      `the Redis of ${setting} did not answer INFO (${said}): ${remedy}`,
      { cause },
    )
  }
}

const field = (info: string, name: string): string =>
  new RegExp(`^${name}:(.+?)\\r?$`, 'm').exec(info)?.[1] ?? 'unknown'

function versionFaults(info: string, setting: Setting): string[] {
  const version = field(info, 'redis_version')
  if (isSupportedVersion(version)) return []
  return [
    `Redis ${OLDEST_REDIS} or newer is needed, that of ${setting} is ${version}: ` +
      `upgrade it, or unset ${setting}`,
  ]
}

function policyFaults(info: string, setting: Setting): string[] {
  const policy = field(info, 'maxmemory_policy')
  if (policy === 'noeviction') return []
  return [
    `Redis must never evict keys, but the maxmemory-policy of ${setting} is ${policy}: ` +
      'run CONFIG SET maxmemory-policy noeviction and write it into its configuration',
  ]
}
