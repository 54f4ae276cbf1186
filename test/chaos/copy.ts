import { existsSync } from 'node:fs'
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** One guard taken out of the built system: `find` must be there exactly once. */
export interface Patch {
  /** Path in `dist`. */
  readonly file: string
  readonly find: string
  readonly replace: string
}

/** The folder of the project, from sources and from the build alike. */
export const ROOT = findRoot(dirname(fileURLToPath(import.meta.url)))

function findRoot(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : findRoot(dirname(folder))
}

/**
 * Copies the built system into `folder`, so that no build can change it meanwhile, with `patches` in it.
 * Answers the URL of the copy. Throws if a patch does not apply.
 */
export async function copySystem(folder: string, patches: readonly Patch[] = []): Promise<URL> {
  const dist = join(folder, 'dist')
  await mkdir(dist, { recursive: true })
  for (const part of ['src', 'workers', 'lua'])
    await cp(join(ROOT, 'dist', part), join(dist, part), { recursive: true })
  await cp(join(ROOT, 'package.json'), join(folder, 'package.json'))
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  for (const patch of patches) await apply(dist, patch)
  return pathToFileURL(`${dist}/`)
}

async function apply(dist: string, { file, find, replace }: Patch): Promise<void> {
  const path = join(dist, file)
  const parts = (await readFile(path, 'utf8')).split(find)
  if (parts.length !== 2)
    throw new Error(
      `the patch of ${file} does not apply: its text is there ${parts.length - 1} times, not once. ` +
        `The guard has changed, so change the patch:\n${find}`,
    )
  await writeFile(path, parts.join(replace))
}
