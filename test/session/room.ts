import { createAudioRestoreScripts, createRestoreScripts } from '../../lua/restore.ts'
import { createAudioScripts, type AudioScripts } from '../../lua/audio.ts'
import { createSessionScripts } from '../../lua/session.ts'
import { createAudioStore } from '../../src/platform/audio.ts'
import type { Store } from '../../src/platform/redis.ts'
import type { ResumeRequest, StartRequest } from '../../src/protocol/events.ts'
import { gatewayId } from '../../src/protocol/ids.ts'
import type { UtteranceJob } from '../../src/protocol/jobs.ts'
import { createSessions, type OpenSession } from '../../src/session/sessions.ts'
import { Framer, levelOf } from '../../src/session/vad-framer.ts'
import type { Listening, Vads } from '../../src/session/vad.ts'

const LOUD = 100

/** Hears speech in whatever is loud, at once. */
export const quick: Pick<Vads, 'listen'> = {
  listen: async ({ sampleRate, heard, mode }) => {
    const judge = judgeOf({ sampleRate, mode })
    return { hear: (pcm) => heard(judge(pcm)), settled: async () => {}, close: () => {} }
  },
}

/** The same, later: as one does that judges in another process. */
export const slow: Pick<Vads, 'listen'> = {
  listen: async ({ sampleRate, heard, mode }) => {
    const judge = judgeOf({ sampleRate, mode })
    let last = Promise.resolve()
    let closed = false
    return {
      hear(pcm) {
        last = last.then(() => new Promise((done) => void setImmediate(done)))
        last = last.then(() => closed || heard(judge(pcm))).then(() => {})
      },
      settled: () => last,
      close: () => void (closed = true),
    }
  },
}

function judgeOf({ sampleRate, mode }: Pick<Listening, 'sampleRate' | 'mode'>) {
  const framer = new Framer(sampleRate, 20)
  return (pcm: Uint8Array) =>
    framer.push(pcm).map((samples) => {
      const level = levelOf(samples)
      return { bytes: samples.byteLength, speech: mode !== 'vad' || level > LOUD, level }
    })
}

/** Sessions on a real audio plane, with a clock that stands still and jobs that are only noted. */
export function openRoom(store: Store, vads: Pick<Vads, 'listen'> = quick) {
  const jobs = new Map<number, UtteranceJob>()
  const added: number[] = []
  const outcomes = new Set<number>()
  const lost: number[] = []
  const life = { now: 'first' }
  const clock = { at: 0, now: () => clock.at }
  const plane = createAudioScripts({ call: store.callAudio, keys: store.audioKeys })
  const losing = { next: false }
  /** Takes effect, but its answer never comes. */
  const lossy = <Args, Answer>(script: (args: Args) => Promise<Answer>) => {
    return async (args: Args): Promise<Answer> => {
      const answer = await script(args)
      if (!losing.next) return answer
      losing.next = false
      throw new Error('Command timed out')
    }
  }
  const scripts: AudioScripts = {
    openAudio: (open) => plane.openAudio(open),
    appendAudio: lossy((append) => plane.appendAudio(append)),
    cutAudio: lossy((cut) => plane.cutAudio(cut)),
    dropAudio: lossy((drop) => plane.dropAudio(drop)),
  }
  const sessions = createSessions({
    scripts: {
      ...createSessionScripts({ call: store.call, keys: store.keys }),
      ...createRestoreScripts({ call: store.call, keys: store.keys }),
      ...createAudioRestoreScripts({ call: store.callAudio, keys: store.audioKeys }),
      ...scripts,
    },
    life: async () => life.now,
    settleLost: async (_, index) => void lost.push(index),
    audio: createAudioStore(store.audio, store.audioKeys),
    audioKeys: store.audioKeys,
    vads,
    gateway: gatewayId('g'),
    clock,
    enqueue: async (job) => {
      jobs.set(job.index, job)
      added.push(job.index)
    },
    settled: async (_, indices) => new Set(indices.filter((index) => outcomes.has(index))),
    parseRequest: (text) => JSON.parse(text),
  })
  return {
    clock,
    jobs,
    /** The index of every job that was added, again and again. */
    added,
    /** Indices that have their outcome. */
    outcomes,
    /** Indices that were settled as lost. */
    lost,
    /** Which life of Redis it is. */
    life,
    restore: ({ session }: OpenSession) => sessions.restore(session),
    touch: ({ session }: OpenSession) => sessions.touch(session, true),
    /** The answer of the next script is lost. */
    loseAnswer: () => void (losing.next = true),
    start: (endpointing: StartRequest['endpointing']) =>
      sessions.start({ source: 'en', target: 'es', endpointing }, 'a'),
    resume: ({ session, resumeToken }: OpenSession, known: Partial<ResumeRequest> = {}) =>
      sessions.resume(
        {
          ...{ sessionId: session.id, token: resumeToken },
          ...{ lastSeq: 0, lastIndex: -1, ackedChunk: -1, firstChunk: 0 },
          ...known,
        },
        'a',
      ),
    audioOf: (job: UtteranceJob) => createAudioStore(store.audio, store.audioKeys).read(job.audio),
  }
}
