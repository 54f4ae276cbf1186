import { expect, test } from 'vitest'
import { Intake } from '../../src/gateway/intake.ts'
import type { WireError } from '../../src/protocol/codes.ts'
import type { Session } from '../../src/session/session.ts'

const SIX_SECONDS = Buffer.alloc(192_000)
const IN_VAIN = [2, 3, 4, 5]

/** An intake before a Redis that answers when the test says so. */
function openIntake() {
  const waiting: ((answer: 'stored' | 'down') => void)[] = []
  const told: (WireError & { fatal: boolean })[] = []
  const acks: unknown[] = []
  const excess: string[] = []
  const session = {
    isCrowded: false,
    isFull: false,
    msOf: (bytes: number) => bytes / 32,
    append: () =>
      new Promise((resolve, reject) => {
        waiting.push((answer) => {
          if (answer === 'stored') resolve({ kind: answer, nextChunk: 2, openBytes: 0 })
          else reject(new Error('Command timed out'))
        })
      }),
  } as unknown as Session
  const intake = new Intake({
    clock: { now: () => 0 },
    session,
    wire: {
      hold: () => {},
      emit: (event, payload) => {
        if (event === 'session.error') told.push(payload as (typeof told)[number])
        if (event === 'audio.ack') acks.push(payload)
      },
    },
    nextChunk: 1,
    all: { ms: 0 },
    onStored: () => {},
    onGone: () => {},
    onExcess: ({ code }) => excess.push(code),
  })
  const answer = async (as: 'stored' | 'down'): Promise<void> => {
    waiting.shift()?.(as)
    await intake.answered()
  }
  return { intake, told, acks, excess, answer }
}

test('what comes while Redis is away, or is tried, is nobody’s excess', async () => {
  const { intake, told, acks, excess, answer } = openIntake()
  const sendInVain = (): void => IN_VAIN.forEach((chunk) => intake.append(chunk, SIX_SECONDS))
  intake.append(1, SIX_SECONDS)
  await answer('down')
  expect(told).toMatchObject([{ code: 'dependency_down', fatal: false }])
  sendInVain()
  // The one that is expected tries whether Redis is back.
  intake.append(1, SIX_SECONDS)
  sendInVain()
  await answer('down')
  expect(excess).toEqual([])
  // It is, and who waits for that hears of it at once: from now on what leaves a hole counts.
  intake.append(1, SIX_SECONDS)
  await answer('stored')
  expect(acks).toEqual([{ chunk: 1 }])
  for (const chunk of [3, 4, 5]) intake.append(chunk, SIX_SECONDS)
  expect(excess).toEqual(['rate_limited'])
})
