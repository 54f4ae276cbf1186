import { expect, test } from 'vitest'
import { entryOf } from '../../src/platform/entry.ts'

const root = new URL('../../', import.meta.url).href

test('sources are given the compiled file at the same place in dist', () => {
  expect(entryOf(`${root}workers/engines/a.ts`, './b.ts').href).toBe(
    `${root}dist/workers/engines/b.js`,
  )
  expect(entryOf(`${root}workers/a.ts`, '../src/b.ts').href).toBe(`${root}dist/src/b.js`)
})

test('compiled code is given its neighbour', () => {
  expect(entryOf('file:///opt/dist/workers/a.js', './b.ts').href).toBe(
    'file:///opt/dist/workers/b.js',
  )
})
