import { createHash } from 'node:crypto'
import { scriptedAudio, type Script } from '../../workers/engines/scripted.ts'
import type { Chance } from './chance.ts'

/** At 16 kHz: sizes are whole milliseconds, so that what results say in ms is exact in bytes. */
export const BYTES_PER_MS = 32
const MARK = 'LMQ1'

/** How utterances of a load are made: shares of all, the rest being quick and well. */
export interface Mix {
  /** Longest time that recognizing takes, ms. */
  readonly recognizeMs: number
  /** Utterances without a script, transcribed as the hash of their audio. */
  readonly plain: number
  readonly empty: number
  /** Fail once, or for ever. */
  readonly failing: number
  readonly hopeless: number
  /** Never return on the first attempt; half of them ignore the abort as well. */
  readonly hanging: number
  /** Kill the node on the first attempt, or on every one. */
  readonly crashing: number
  readonly poison: number
  /** Block the main loop of the node for `blockMs`. */
  readonly blocking: number
  readonly blockMs: number
}

export const PLAIN_MIX: Mix = {
  recognizeMs: 300,
  plain: 0.3,
  empty: 0.05,
  failing: 0.05,
  hopeless: 0,
  hanging: 0,
  crashing: 0,
  poison: 0,
  blocking: 0,
  blockMs: 0,
}

/** The audio of one utterance. `name` is unlike that of any other, so that equal ones are seen. */
export function makeUtterance(chance: Chance, mix: Mix, name: string): Buffer {
  if (chance.isWithin(mix.plain)) return plainAudio(chance)
  const recognizeMs = chance.between(0, mix.recognizeMs)
  return scripted({ text: name, recognizeMs, ...misfortune(chance, mix) })
}

/** A script as audio of whole milliseconds, at least `ms` long. */
export function scripted(script: Script, ms = 0): Buffer {
  const { length } = scriptedAudio(script)
  return scriptedAudio(script, Math.max(ms, Math.ceil(length / BYTES_PER_MS)) * BYTES_PER_MS)
}

/** Up to four chunks of noise: in each of them a loss or a repeat changes the hash. */
function plainAudio(chance: Chance): Buffer {
  const audio = Buffer.alloc(chance.between(20, 400) * BYTES_PER_MS)
  for (let at = 0; at < audio.length; at += 2) audio.writeUInt16LE(chance.between(0, 0xffff), at)
  return audio
}

function misfortune(chance: Chance, mix: Mix): Partial<Script> {
  const kinds: readonly (readonly [number, () => Partial<Script>])[] = [
    [mix.empty, () => ({ outcome: 'empty' })],
    [mix.failing, () => ({ failures: 1 })],
    [mix.hopeless, () => ({ failures: 99 })],
    [mix.hanging, () => ({ hang: 1, deaf: chance.isWithin(0.5) })],
    [mix.crashing, () => ({ crash: 1 })],
    [mix.poison, () => ({ crash: 99 })],
    [mix.blocking, () => ({ block: mix.blockMs })],
  ]
  let left = chance.next()
  for (const [share, make] of kinds) {
    if (left < share) return make()
    left -= share
  }
  return {}
}

/** What the scripted engine hears in these bytes; undefined where their script says nothing is said. */
export function transcriptOf(audio: Buffer): string | undefined {
  if (!audio.subarray(0, MARK.length).equals(Buffer.from(MARK)))
    return `sha256:${createHash('sha256').update(audio).digest('hex')}`
  const from = MARK.length + 4
  const json = audio.toString('utf8', from, from + audio.readUInt32LE(MARK.length))
  try {
    const script: Script = JSON.parse(json)
    return script.outcome === 'empty' ? undefined : (script.text ?? '')
  } catch {
    return undefined
  }
}
