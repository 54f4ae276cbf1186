/**
 * Where the program `relative` (a `.ts` path seen from the caller's `import.meta.url`) lies in compiled
 * form. Threads and children start from there, because not every Node can run the sources: code that
 * itself runs from sources (under the test runner) is given the file of the last build in `dist`.
 */
export function entryOf(importMetaUrl: string, relative: string): URL {
  const entry = new URL(relative.replace(/\.ts$/, '.js'), importMetaUrl)
  if (!importMetaUrl.endsWith('.ts')) return entry
  const root = new URL('../../', import.meta.url)
  return new URL(`dist/${entry.href.slice(root.href.length)}`, root)
}
