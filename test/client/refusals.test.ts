import { describe, expect } from 'vitest'
import { connect } from '../../src/client/client.ts'
import { LinguaError } from '../../src/protocol/codes.ts'
import { expecting } from './tiny-gateway.ts'
import { CHUNK_BYTES, next, noise, only, PAIR, test } from './world.ts'

describe('a refusal', () => {
  test('of a gap sends again from the expected chunk', async ({ world }) => {
    let refusals = 0
    const { url } = await world.gateway({
      refuses: (chunk) => (chunk === 2 && ++refusals === 1 ? expecting('chunk_gap', 2) : undefined),
    })
    const session = await connect(url, PAIR)
    session.append(noise(CHUNK_BYTES * 5))
    expect(await session.commit()).toBe(0)
    await session.close()
    expect(Buffer.concat(only(world).chunks)).toEqual(Buffer.from(noise(CHUNK_BYTES * 5)))
  })

  test.for(['rate_limited', 'overloaded', 'dependency_down'] as const)(
    'of %s is told, waited out and sent again',
    async (code, { world }) => {
      let refusals = 0
      const { url } = await world.gateway({
        refuses: (chunk) => (++refusals <= 2 ? expecting(code, chunk, 20) : undefined),
      })
      const session = await connect(url, PAIR)
      const codes: string[] = []
      session.on('error', (error) => {
        codes.push(error.code)
        if (codes.length === 1) session.append(noise(100))
      })
      session.append(noise(CHUNK_BYTES * 5))
      const began = performance.now()
      expect(await session.commit()).toBe(0)
      expect(performance.now() - began).toBeGreaterThanOrEqual(38)
      expect(codes).toEqual([code, code])
      await session.close()
      expect(Buffer.concat(only(world).chunks)).toEqual(
        Buffer.concat([noise(CHUNK_BYTES * 5), noise(100)]),
      )
    },
  )

  test('for want of Redis has one chunk at a time try whether it is back', async ({ world }) => {
    let refusals = 0
    const { url } = await world.gateway({
      refuses: (chunk) => (++refusals <= 3 ? expecting('dependency_down', chunk, 20) : undefined),
    })
    const session = await connect(url, PAIR)
    session.append(noise(CHUNK_BYTES * 4))
    expect(await session.commit()).toBe(0)
    expect(only(world).appended).toEqual([0, 1, 2, 3, 0, 0, 0, 1, 2, 3])
    await session.close()
  })

  test('that asks for audio no longer held makes the session resume', async ({ world }) => {
    const gateway = await world.gateway()
    const session = await connect(gateway.url, PAIR)
    session.append(noise(CHUNK_BYTES * 40))
    await session.commit()
    const resumed = gateway.nextPeer()
    gateway.peers[0]?.emit('session.error', { ...expecting('chunk_gap', 0).toWire(), fatal: false })
    await resumed
    await session.close()
    expect(only(world).resumes).toMatchObject([{ ackedChunk: 39, firstChunk: 10 }])
  })

  test('of more than sixty unacknowledged seconds leaves the session as it was', async ({
    world,
  }) => {
    const { url } = await world.gateway()
    const session = await connect(url, PAIR)
    expect(() => session.append(noise(16_000 * 2 * 61))).toThrow('60 s')
    session.append(noise(100))
    await session.close()
    expect(only(world).chunks.map((bytes) => bytes.length)).toEqual([100])
  })

  test('that is fatal ends the session with it', async ({ world }) => {
    const gateway = await world.gateway()
    const session = await connect(gateway.url, PAIR)
    const closed = next(session, 'closed')
    const error = new LinguaError('slow_consumer').toWire()
    gateway.peers[0]?.emit('session.error', { ...error, fatal: true })
    expect(await closed).toMatchObject({
      reason: 'slow_consumer',
      error: { code: 'slow_consumer' },
    })
    await expect(session.commit()).rejects.toMatchObject({ code: 'slow_consumer' })
  })
})

describe('advice', () => {
  test('to pause holds audio, and what is asked behind it, until resume', async ({ world }) => {
    const gateway = await world.gateway()
    const session = await connect(gateway.url, PAIR)
    const paused = next(session, 'backpressure')
    gateway.peers[0]?.emit('session.backpressure', { action: 'pause' })
    await paused
    session.append(noise(CHUNK_BYTES * 2))
    const commit = session.commit()
    expect(await session.cancel(9)).toBe(true)
    expect(only(world)).toMatchObject({ appended: [], commits: 0 })
    gateway.peers[0]?.emit('session.backpressure', { action: 'resume' })
    expect(await commit).toBe(0)
    await session.close()
  })

  test('to pause for a time is over when the time is', async ({ world }) => {
    const gateway = await world.gateway()
    const session = await connect(gateway.url, PAIR)
    const paused = next(session, 'backpressure')
    gateway.peers[0]?.emit('session.backpressure', { action: 'pause', retryAfterMs: 20 })
    await paused
    session.append(noise(CHUNK_BYTES * 2))
    expect(await session.commit()).toBe(0)
    await session.close()
  })

  test('to go away is followed to another gateway, losing nothing', async ({ world }) => {
    const [old, fresh] = [await world.gateway(), await world.gateway()]
    const session = await connect([old.url, fresh.url], PAIR)
    session.append(noise(CHUNK_BYTES * 3))
    await session.commit()
    const moved = fresh.nextPeer()
    old.peers[0]?.emit('session.goaway', { graceMs: 1_000 })
    await moved
    session.append(noise(CHUNK_BYTES * 3, CHUNK_BYTES * 3))
    expect(await session.commit()).toBe(1)
    await session.close()
    expect(Buffer.concat(only(world).chunks)).toEqual(
      Buffer.concat([noise(CHUNK_BYTES * 3), noise(CHUNK_BYTES * 3, CHUNK_BYTES * 3)]),
    )
  })

  test('that the session was superseded ends it', async ({ world }) => {
    const gateway = await world.gateway()
    const session = await connect(gateway.url, PAIR)
    const closed = next(session, 'closed')
    gateway.peers[0]?.emit('session.superseded', {})
    expect(await closed).toMatchObject({ reason: 'superseded', error: { code: 'resume_rejected' } })
    expect(() => session.append(noise(2))).toThrow('Another connection')
  })

  test('that audio was lost, and that the server closes, is passed on', async ({ world }) => {
    const gateway = await world.gateway()
    const session = await connect(gateway.url, PAIR)
    const [lost, closed] = [next(session, 'lost'), next(session, 'closed')]
    gateway.peers[0]?.emit('audio.lost', { from: 1, to: 2 })
    gateway.peers[0]?.emit('session.closed', { reason: 'idle' })
    expect(await lost).toEqual({ from: 1, to: 2 })
    expect(await closed).toEqual({ reason: 'idle' })
  })
})
