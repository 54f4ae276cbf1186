import { expect, test, vi } from 'vitest'
import { ChildPool, type Child } from '../../workers/engines/child-pool.ts'

class FakeChild implements Child {
  readonly ready: Promise<void>
  readonly gone: Promise<void>
  alive = true
  start: () => void = () => {}
  fail: (why: Error) => void = () => {}
  #bury: () => void = () => {}

  constructor() {
    this.ready = new Promise((resolve, reject) => {
      this.start = resolve
      this.fail = reject
    })
    this.gone = new Promise((resolve) => {
      this.#bury = resolve
    })
  }

  end(): void {
    this.alive = false
    this.fail(new Error('ended'))
    this.#bury()
  }
}

function createPool(size: number) {
  const begun: FakeChild[] = []
  const begin = (): FakeChild => {
    const child = new FakeChild()
    begun.push(child)
    return child
  }
  const child = (n: number): FakeChild => {
    const found = begun[n]
    if (!found) throw new Error(`child ${n} was not begun`)
    return found
  }
  return { begun, child, pool: new ChildPool({ name: 'Fake', size, begin }) }
}

const never = (): AbortSignal => new AbortController().signal

test('callers are served in the order they came, each with a child of its own', async () => {
  const { pool, child } = createPool(2)
  const order: string[] = []
  const lend = async (name: string) => {
    const lent = await pool.take(never())
    order.push(name)
    return lent
  }
  const all = ['a', 'b', 'c', 'd'].map(lend)
  child(0).start()
  child(1).start()
  expect(await Promise.all(all.slice(0, 2))).toEqual([child(0), child(1)])
  pool.put(child(1))
  expect(await all[2]).toBe(child(1))
  pool.put(child(0))
  expect(await all[3]).toBe(child(0))
  expect(order).toEqual(['a', 'b', 'c', 'd'])
  await pool.close()
})

test('a caller that gives up while waiting rejects with its reason and loses its place', async () => {
  const { pool, child } = createPool(1)
  const abort = new AbortController()
  const reason = new Error('cancelled')
  const impatient = pool.take(abort.signal)
  const patient = pool.take(never())
  abort.abort(reason)
  await expect(impatient).rejects.toBe(reason)
  child(0).start()
  expect(await patient).toBe(child(0))
  await expect(pool.take(AbortSignal.abort(reason))).rejects.toBe(reason)
  await pool.close()
})

test('a child that dies is replaced at once and never lent again', async () => {
  const { pool, child } = createPool(1)
  child(0).start()
  const first = await pool.take(never())
  first.end()
  pool.put(first)
  const next = pool.take(never())
  await vi.waitFor(() => child(1).start())
  expect(await next).toBe(child(1))
  await pool.close()
})

test('a child that is dying, but not gone yet, is not lent, whether it was free or not', async () => {
  const { pool, child } = createPool(2)
  child(0).start()
  child(1).start()
  const lent = await pool.take(never())
  for (const dying of [child(0), child(1)]) dying.alive = false
  const next = pool.take(never())
  pool.put(lent)
  for (const dying of [child(0), child(1)]) dying.end()
  await vi.waitFor(() => child(3).start())
  expect(await next).toBe(child(3))
  await pool.close()
})

test('while no place can start callers are refused, and served again once one can', async () => {
  const { pool, child } = createPool(2)
  const waiting = pool.take(never())
  const refusal = { code: 'engine_missing', message: expect.stringContaining('no such model') }
  child(0).fail(new Error('no such model'))
  child(1).fail(new Error('no such model'))
  await expect(waiting).rejects.toMatchObject(refusal)
  await expect(pool.take(never())).rejects.toMatchObject(refusal)
  await vi.waitFor(() => child(2).start())
  await vi.waitFor(() => pool.take(never()))
  await pool.close()
})

test('a child that never starts is tried again at growing intervals, not in a circle', async () => {
  const { pool, begun } = createPool(1)
  const from = performance.now()
  await vi.waitUntil(() => {
    begun.at(-1)?.fail(new Error('no such model'))
    return begun.length === 3
  })
  // 100 and 200 ms; a timer may be a little early.
  expect(performance.now() - from).toBeGreaterThan(280)
  await pool.close()
})

test('opening fails, and leaves nothing behind, when nothing can start', async () => {
  const { pool, child, begun } = createPool(1)
  child(0).fail(new Error('no such model'))
  await expect(pool.open()).rejects.toMatchObject({ code: 'engine_missing' })
  expect(begun.map(({ alive }) => alive)).toEqual([false])
})

test('closing ends every child, refuses who waits and who comes, and may be repeated', async () => {
  const { pool, begun, child } = createPool(2)
  child(0).start()
  await pool.take(never())
  const waiting = pool.take(never()).catch((error: unknown) => error)
  await Promise.all([pool.close(), pool.close()])
  expect(await waiting).toMatchObject({ code: 'engine_busy' })
  expect(begun.map(({ alive }) => alive)).toEqual([false, false])
  await expect(pool.take(never())).rejects.toMatchObject({ code: 'engine_busy' })
})
