import { setTimeout as pause } from 'node:timers/promises'
import { io } from 'socket.io-client'
import { connect, type Session } from '../../../src/client/client.ts'
import { LinguaError } from '../../../src/protocol/codes.ts'
import { NAMESPACE } from '../../../src/protocol/events.ts'
import { scriptedAudio } from '../../../workers/engines/scripted.ts'
import { sharedNow } from '../clock.ts'

export interface Said {
  /** From the commit to the result, ms. */
  readonly tookMs: number
  /** From the commit to the start of the node's processor, ms. */
  readonly dispatchMs: number
  /** From the end of the node's work to the result, ms. */
  readonly returnMs: number
}

/** The same of the instants on the shared clock. */
const saidOf = ({ at, began, ended }: { at: number; began: number; ended: number }): Said => {
  const heard = sharedNow()
  return { tookMs: heard - at, dispatchMs: began - at, returnMs: heard - ended }
}

/** Somebody who says one short thing after the other and waits for each result. */
export interface Talker {
  /** With a rest, the audio has time to be stored before the commit. */
  say(restMs: number): Promise<Said>
  /** Says one thing and resolves when it is finalized. */
  commit(): Promise<void>
  close(): void
}

/** 100 ms of audio that asks the scripted engine for a text, at once. */
const AUDIO = scriptedAudio({ text: 'hello' }, 3200)

/** Nodes that lost their lease on a crowded machine are there again at once: as told, it is tried again. */
async function startSession(url: string, tries: number): Promise<Session> {
  try {
    return await connect(url, { source: 'en', target: 'es', endpointing: { mode: 'manual' } })
  } catch (error) {
    const retryAfterMs = error instanceof LinguaError ? error.retryAfterMs : undefined
    if (retryAfterMs === undefined || tries === 0) throw error
    await pause(retryAfterMs)
    return startSession(url, tries - 1)
  }
}

/** Speaks to LinguaMQ as its users do: with the client library. */
export async function openSystemTalker(url: string): Promise<Talker> {
  const session = await startSession(url, 10)
  // Results come in the order of the commits.
  const waiting: ((began: number, ended: number) => void)[] = []
  session.on('result', (result) => {
    if (result.kind !== 'final') return
    waiting.shift()?.(Number(result.transcript), Number(result.translation))
  })
  return {
    async say(restMs) {
      session.append(AUDIO)
      if (restMs > 0) await pause(restMs)
      const at = sharedNow()
      const said = new Promise<Said>((resolve) => {
        waiting.push((began, ended) => resolve(saidOf({ at, began, ended })))
      })
      await session.commit()
      return said
    },
    async commit() {
      session.append(AUDIO)
      await session.commit()
    },
    close: () => session.leave(),
  }
}

/** Job data of the size that LinguaMQ's has. */
const JOB = {
  ...{ v: 1, sessionId: 'AbCdEfGhIjKl', index: 1, source: 'en', target: 'es', reason: 'manual' },
  ...{ speech: false, startMs: 12_345 },
  audio: {
    ...{ key: 'bench:audio:{AbCdEfGhIjKl}:1', from: 0, bytes: 3200 },
    ...{ encoding: 'pcm_s16le', sampleRate: 16_000 },
  },
}

/** Speaks to the floor: one thing at a time. */
export async function openRawTalker(url: string): Promise<Talker> {
  const socket = io(new URL(NAMESPACE, url).href, { transports: ['websocket'], forceNew: true })
  await new Promise<void>((resolve) => void socket.once('connect', resolve))
  return {
    async say(restMs) {
      if (restMs > 0) await pause(restMs)
      const at = sharedNow()
      const said = new Promise<Said>((resolve) => {
        // Its worker does nothing between beginning and end.
        socket.once('result', ({ beganAt }: { beganAt: number }) =>
          resolve(saidOf({ at, began: beganAt, ended: beganAt })),
        )
      })
      socket.emit('commit', JOB)
      return said
    },
    commit: () => Promise.reject(new Error('the floor finalizes nothing')),
    close: () => void socket.disconnect(),
  }
}
