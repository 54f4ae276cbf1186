import type { Redis } from 'ioredis'
import type { AudioKeys } from '../../lua/keys.ts'
import type { SessionId } from '../protocol/ids.ts'
import type { AudioRange, SpeechRef } from '../protocol/jobs.ts'
import { LIMITS } from './limits.ts'

/** Bytes in the audio plane, by key. */
export interface AudioStore {
  /** Fewer bytes than the range names mean that they are gone. */
  read(range: AudioRange): Promise<Buffer>
  writeSpeech(speech: { key: string; ttlMs: number; bytes: Buffer }): Promise<void>
  /** Undefined if the bytes are gone. */
  readSpeech(speech: SpeechRef): Promise<Buffer | undefined>
  dropSpeech(keys: readonly string[]): Promise<void>
  /**
   * The utterance has its outcome: the note that its cut is pending goes, its audio soon. A control plane
   * that came back older may want the audio once more.
   */
  forgetCut(session: SessionId, index: number): Promise<void>
}

/** Reads and writes bytes over one connection to the audio plane. */
export function createAudioStore(redis: Redis, keys: AudioKeys): AudioStore {
  return {
    read: async ({ key, from, bytes }) =>
      bytes > 0 ? redis.getrangeBuffer(key, from, from + bytes - 1) : Buffer.alloc(0),
    async writeSpeech({ key, ttlMs, bytes }) {
      await redis.set(key, bytes, 'PX', ttlMs)
    },
    async readSpeech(speech) {
      const bytes = await redis.getBuffer(speech.key)
      return bytes?.length === speech.bytes ? bytes : undefined
    },
    async dropSpeech(speech) {
      if (speech.length > 0) await redis.unlink(...speech)
    },
    async forgetCut(session, index) {
      await Promise.all([
        redis.hdel(keys.audio(session), `cut:${index}`),
        redis.pexpire(keys.segment(session, index), LIMITS.settledAudioLifeMs),
      ])
    },
  }
}
