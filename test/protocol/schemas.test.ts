import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import * as schemas from '../../src/protocol/schemas.ts'
import { SAMPLES, type Sample } from './arbitraries.ts'

type Path = readonly (string | number)[]

const overTheWire = (payload: unknown): unknown => JSON.parse(JSON.stringify(payload))

/** Every place in a payload, the payload itself first. */
function pathsOf(payload: unknown, path: Path = []): Path[] {
  if (payload === null || typeof payload !== 'object') return [path]
  const steps = Array.isArray(payload) ? [...payload.keys()] : Object.keys(payload)
  const inside = payload as Record<string | number, unknown>
  return [path, ...steps.flatMap((step) => pathsOf(inside[step], [...path, step]))]
}

const at = (payload: unknown, path: Path): unknown =>
  path.reduce((inside, step) => (inside as Record<string | number, unknown>)[step], payload)

/** A copy whose value at `path` is another. */
function replace(payload: unknown, path: Path, value: unknown): unknown {
  const [step, ...rest] = path
  if (step === undefined) return value
  const copy = structuredClone(payload) as Record<string | number, unknown>
  copy[step] = replace(copy[step], rest, value)
  return copy
}

const kindOf = (value: unknown): string =>
  value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value
const isObject = (value: unknown): value is object => kindOf(value) === 'object'

const ANY_KIND = [null, true, 7, 'text', '7', [], {}]
const NUM_RUNS = 200

/** Every payload that differs from this one in one place, by a value of another type there. */
const spoiled = (payload: unknown): readonly unknown[] =>
  pathsOf(payload).flatMap((path) =>
    ANY_KIND.filter((value) => kindOf(value) !== kindOf(at(payload, path))).map((value) =>
      replace(payload, path, value),
    ),
  )

const grown = ({ valid, strict }: Sample) =>
  fc.tuple(valid, fc.nat()).map(([payload, place]) => {
    const objects = pathsOf(payload).filter((path) => isObject(at(payload, path)))
    const path = strict ? (objects[place % objects.length] ?? []) : []
    const whole = { ...(at(payload, path) as object), unheardOf: 1 }
    return { payload, grown: replace(payload, path, whole) }
  })

test('every schema has its samples', () => {
  const names = Object.entries(schemas)
    .filter(([, exported]) => exported instanceof z.ZodType)
    .map(([name]) => name)
  expect(SAMPLES.map(({ name }) => name).toSorted()).toEqual(names.toSorted())
})

describe.for(SAMPLES)('$name', ({ schema, valid }) => {
  test('what was sent is what is read', () => {
    const property = fc.property(valid, (payload) => {
      expect(schema.parse(overTheWire(payload))).toEqual(payload)
    })
    fc.assert(property, { numRuns: NUM_RUNS })
  })

  test('a value of another type is refused wherever it stands', () => {
    const property = fc.property(valid, (payload) => {
      const taken = spoiled(payload).filter((bad) => schema.safeParse(bad).success)
      expect(taken).toEqual([])
    })
    fc.assert(property, { numRuns: 25 })
  })
})

const OBJECTS = SAMPLES.filter(({ name }) => name !== 'chunkNumber')

test.for(OBJECTS.filter(({ strict }) => strict))(
  'an unknown field of $name is refused at any depth',
  (sample) => {
    const property = fc.property(grown(sample), ({ grown: payload }) => {
      expect(sample.schema.safeParse(payload).success).toBe(false)
    })
    fc.assert(property, { numRuns: NUM_RUNS })
  },
)

test.for(OBJECTS.filter(({ strict }) => !strict))(
  'an unknown field of $name is left out, so that a newer version can be read',
  (sample) => {
    const property = fc.property(grown(sample), ({ payload, grown: newer }) => {
      expect(sample.schema.parse(newer)).toEqual(payload)
    })
    fc.assert(property, { numRuns: NUM_RUNS })
  },
)
