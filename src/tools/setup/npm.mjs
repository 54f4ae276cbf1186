import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { run, tail } from './terminal.mjs'

/** @typedef {Readonly<Record<string, { version?: string, optional?: boolean }>>} Locked */

export const NPM_COMMAND = 'npm ci --include=dev --no-audit --no-fund'

/**
 * Says whether `node_modules` differs from what `package-lock.json` wants. npm writes its own list
 * of what it installed as the last thing, but an installation on top of it may have been interrupted.
 * @param {string} root
 */
export function modulesAreStale(root) {
  const wanted = readLocked(join(root, 'package-lock.json'))
  const there = readLocked(join(root, 'node_modules', '.package-lock.json'))
  if (!wanted) throw new Error(`${join(root, 'package-lock.json')} cannot be read`)
  if (!there) return true
  return Object.entries(wanted).some(([path, { version, optional }]) => {
    const found = there[path]
    if (path === '' || (!found && optional)) return false
    return found?.version !== version || !existsSync(join(root, path))
  })
}

/**
 * Installs what the lock file wants, with its development tools even where NODE_ENV is production.
 * @param {string} root
 * @returns {string | undefined} undefined when it is there, else the reason
 */
export function installModules(root) {
  const [program = 'npm', ...args] = NPM_COMMAND.split(' ')
  const { ok, output } = run(program, args, { cwd: root })
  return ok ? undefined : `npm ci failed:\n${tail(output)}`
}

/**
 * @param {string} file
 * @returns {Locked | undefined}
 */
function readLocked(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages
  } catch {
    return undefined
  }
}
