import { describe, expect } from 'vitest'
import { connect, type Result } from '../../src/client/client.ts'
import { LinguaError } from '../../src/protocol/codes.ts'
import { expecting, finalResult } from './tiny-gateway.ts'
import { CHUNK_BYTES, next, noise, only, PAIR, test } from './world.ts'

describe('a session', () => {
  test('sends what was appended, cuts behind it and surfaces the result', async ({ world }) => {
    const { url, starts } = await world.gateway()
    const session = await connect(url, PAIR)
    const results: Result[] = []
    session.on('result', (result) => results.push(result))
    const finalized = next(session, 'finalized')
    session.append(noise(CHUNK_BYTES + 100))
    expect(await session.commit()).toBe(0)
    expect(await finalized).toMatchObject({ index: 0, reason: 'manual' })
    expect(await session.close()).toEqual({ lastIndex: 0, unfinished: 0 })
    expect(results).toEqual([finalResult(1, 0)])
    expect(only(world).chunks.map((bytes) => bytes.length)).toEqual([CHUNK_BYTES, 100])
    expect(starts).toEqual([PAIR])
  })

  test('sends the rest of a piece by itself when no more audio comes', async ({ world }) => {
    const { url } = await world.gateway()
    const session = await connect(url, PAIR)
    session.append(noise(10))
    await expect.poll(() => only(world).chunks.length).toBe(1)
    await session.close()
  })

  test('has nothing to cut before any audio', async ({ world }) => {
    const { url } = await world.gateway()
    const session = await connect(url, PAIR)
    expect(await session.commit()).toBe(null)
    await session.close()
  })

  test('tells whether a cancel came in time', async ({ world }) => {
    const { url } = await world.gateway()
    const session = await connect(url, PAIR)
    session.append(noise(100))
    await session.commit()
    expect(await session.cancel(0)).toBe(false)
    expect(await session.cancel(1)).toBe(true)
    await session.close()
  })

  test('acknowledges results with the last seq surfaced', async ({ world }) => {
    const { url } = await world.gateway()
    const session = await connect(url, PAIR)
    for (let i = 0; i < 3; i += 1) {
      session.append(noise(100))
      await session.commit()
    }
    await session.close()
    await expect.poll(() => only(world).ackedSeq).toBe(3)
  })

  test('surfaces a repeated result once', async ({ world }) => {
    const { url } = await world.gateway({ copies: 3 })
    const session = await connect(url, PAIR)
    const seqs: number[] = []
    session.on('result', ({ seq }) => seqs.push(seq))
    for (let i = 0; i < 3; i += 1) {
      session.append(noise(100))
      await session.commit()
    }
    await session.close()
    expect(seqs).toEqual([1, 2, 3])
  })

  test('takes nothing more once it is closing', async ({ world }) => {
    const { url } = await world.gateway()
    const session = await connect(url, PAIR)
    const closing = session.close()
    expect(() => session.append(noise(2))).toThrow('closing')
    await expect(session.commit()).rejects.toMatchObject({ code: 'bad_request' })
    expect(await session.close()).toBe(await closing)
    expect(() => session.append(noise(2))).toThrow('has ended')
  })
})

describe('connecting', () => {
  test('is rejected with the error of a refused handshake', async ({ world }) => {
    const { url } = await world.gateway({ rejects: () => new LinguaError('unauthorized') })
    const refused = connect(url, PAIR)
    await expect(refused).rejects.toBeInstanceOf(LinguaError)
    await expect(refused).rejects.toMatchObject({ code: 'unauthorized' })
  })

  test('is rejected with the error of a refused start', async ({ world }) => {
    const { url } = await world.gateway({
      refusesStart: () => expecting('unsupported_pair', 0),
    })
    await expect(connect(url, PAIR)).rejects.toMatchObject({ code: 'unsupported_pair' })
  })

  test('is rejected when nobody is there after three rounds', async ({ world }) => {
    const url = await world.nowhere()
    await expect(connect([url, url], PAIR)).rejects.toMatchObject({ code: 'dependency_down' })
  })

  test('passes over gateways that are gone or draining', async ({ world }) => {
    const draining = await world.gateway({ rejects: () => new LinguaError('draining') })
    const good = await world.gateway()
    const session = await connect([await world.nowhere(), draining.url, good.url], PAIR)
    expect(good.starts).toHaveLength(1)
    await session.close()
  })
})
