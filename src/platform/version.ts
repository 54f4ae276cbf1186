import { createRequire } from 'node:module'

/** The version in package.json. */
export const VERSION: string = readVersion()

function readVersion(): string {
  const require = createRequire(import.meta.url)
  for (const path of ['../../package.json', '../../../package.json']) {
    try {
      const { name, version }: { name: string; version: string } = require(path)
      if (name === 'linguamq') return version
    } catch {
      // Sources lie one folder less deep than the build: try the other place.
    }
  }
  return '0.0.0'
}
