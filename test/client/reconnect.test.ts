import * as fc from 'fast-check'
import { describe, expect } from 'vitest'
import { connect, type Result } from '../../src/client/client.ts'
import { finalResult, type Mischief, type Peer } from './tiny-gateway.ts'
import { CHUNK_BYTES, next, noise, only, PAIR, test, type World } from './world.ts'

const cutOnce = (event: string): Mischief => {
  let isDone = false
  return {
    cuts: (_peer, what) => {
      if (isDone || what !== event) return false
      isDone = true
      return true
    },
  }
}

describe('a lost link', () => {
  test('is resumed at the next gateway when one dies', async ({ world }) => {
    const [first, second] = [await world.gateway(), await world.gateway()]
    const session = await connect([first.url, second.url], PAIR)
    session.append(noise(CHUNK_BYTES * 2))
    await session.commit()
    await first.close()
    session.append(noise(CHUNK_BYTES * 2, 7))
    expect(await session.commit()).toBe(1)
    await session.close()
    expect(second.peers).toHaveLength(1)
    expect(only(world).resumes).toMatchObject([{ lastSeq: 1, lastIndex: 0 }])
  })

  test('ends the session when the resume is refused', async ({ world }) => {
    const gateway = await world.gateway(cutOnce('>utterance.commit'))
    const session = await connect(gateway.url, PAIR)
    const closed = next(session, 'closed')
    only(world).token = 'another'
    await expect(session.commit()).rejects.toMatchObject({ code: 'resume_rejected' })
    expect(await closed).toMatchObject({ reason: 'resume_rejected' })
  })

  test('is resumed with a token before the last one where a store came back older', async ({
    world,
  }) => {
    const gateway = await world.gateway()
    const session = await connect(gateway.url, PAIR)
    const record = only(world)
    for (const granted of ['second', 'third']) {
      record.granted = granted
      const resumed = record.resumes.length + 1
      gateway.peers.at(-1)?.disconnect(true)
      await expect.poll(() => record.resumes.length).toBe(resumed)
    }
    expect(record.resumes.map(({ token }) => token)).toEqual([record.token, record.token])
    session.append(noise(CHUNK_BYTES))
    expect(await session.commit()).toBe(0)
    await session.close()
  })

  test('ends the session when nobody answers for as long as results are kept', async ({
    world,
  }) => {
    const gateway = await world.gateway({ outboxTtlMs: 150 })
    const session = await connect(gateway.url, PAIR)
    const closed = next(session, 'closed')
    await gateway.close()
    expect(await closed).toMatchObject({ reason: 'lost', error: { code: 'lost' } })
  })

  test('ends the session when the server wants audio back that is not held', async ({ world }) => {
    const gateway = await world.gateway()
    const session = await connect(gateway.url, PAIR)
    const closed = next(session, 'closed')
    session.append(noise(CHUNK_BYTES * 40))
    await session.commit()
    only(world).chunks.length = 5
    gateway.peers[0]?.disconnect(true)
    expect(await closed).toMatchObject({ reason: 'lost' })
  })
})

interface Script {
  readonly appends: readonly number[]
  /** The number of messages each connection in turn is let through before it is cut. */
  readonly lives: readonly number[]
}

/** Talks through a gateway that cuts each connection after its share, and checks all promises. */
async function talk(world: World, { appends, lives }: Script): Promise<{ wasCut: boolean }> {
  const remaining = [...lives]
  const left = new Map<Peer, number>()
  let wasCut = false
  const mischief: Mischief = {
    cuts: (peer) => {
      const life = left.get(peer) ?? remaining.shift() ?? Infinity
      left.set(peer, life - 1)
      if (life > 0) return false
      wasCut = true
      return true
    },
  }
  const { url } = await world.gateway(mischief)
  const session = await connect([url, url, url, url], PAIR)
  const surfaced: Result[] = []
  session.on('result', (result) => surfaced.push(result))
  const pieces = appends.map((bytes, i) => noise(bytes, i))
  const commits = pieces.map((piece) => {
    session.append(piece)
    return session.commit()
  })
  expect(await Promise.all(commits)).toEqual(pieces.map((_, i) => i))
  expect(await session.close()).toEqual({ lastIndex: pieces.length - 1, unfinished: 0 })

  const record = world.sessions.get(session.id)
  expect(Buffer.concat(record?.chunks ?? [])).toEqual(Buffer.concat(pieces))
  expect(surfaced).toEqual(pieces.map((_, i) => finalResult(i + 1, i)))
  return { wasCut }
}

describe('whatever the connection does', { timeout: 30_000 }, () => {
  test('a cut at any one message boundary loses no audio and doubles no result', async ({
    world,
  }) => {
    const appends = [CHUNK_BYTES * 2, 500, CHUNK_BYTES + 2]
    let boundaries = 0
    while ((await talk(world, { appends, lives: [boundaries] })).wasCut) boundaries += 1
    expect(boundaries).toBeGreaterThan(20)
  })

  test('many cuts at random lose no audio and double no result', async ({ world }) => {
    const script = fc.record({
      appends: fc.array(
        fc.integer({ min: 1, max: 4_000 }).map((samples) => samples * 2),
        {
          minLength: 1,
          maxLength: 6,
        },
      ),
      lives: fc.array(fc.nat({ max: 14 }), { maxLength: 6 }),
    })
    await fc.assert(
      fc.asyncProperty(script, async (drawn) => {
        await talk(world, drawn)
      }),
      { numRuns: 30 },
    )
  })
})
