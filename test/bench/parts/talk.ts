import { setTimeout as pause } from 'node:timers/promises'
import { sharedNow } from '../clock.ts'
import { serveQuestions } from '../part.ts'
import { openRawTalker, openSystemTalker, type Said, type Talker } from './talkers.ts'

export interface TalkOptions {
  readonly url: string
  readonly raw: boolean
  readonly talkers: number
}

export interface Run {
  readonly said: readonly Said[]
  readonly ms: number
}

let talkers: Talker[] = []
const OPENED_AT_ONCE = 20

async function open({ url, raw, talkers: count }: TalkOptions): Promise<void> {
  const openOne = raw ? openRawTalker : openSystemTalker
  for (let at = 0; at < count; at += OPENED_AT_ONCE)
    talkers.push(
      ...(await Promise.all(
        Array.from({ length: Math.min(OPENED_AT_ONCE, count - at) }, () => openOne(url)),
      )),
    )
}

function close(): void {
  for (const talker of talkers) talker.close()
  talkers = []
}

/** One utterance at a time, with a rest before each: the machine is idle. */
async function idle({ count, restMs }: { count: number; restMs: number }): Promise<Run> {
  const began = sharedNow()
  const said: Said[] = []
  for (let i = 0; i < count; i++) {
    const talker = talkers[i % talkers.length]
    if (talker) said.push(await talker.say(restMs))
  }
  return { said, ms: sharedNow() - began }
}

/** Every talker says the next thing as soon as the last is answered. */
async function flatOut({ forMs }: { forMs: number }): Promise<Run> {
  const began = sharedNow()
  const said: Said[] = []
  await Promise.all(
    talkers.map(async (talker) => {
      while (sharedNow() - began < forMs) said.push(await talker.say(0))
    }),
  )
  return { said, ms: sharedNow() - began }
}

/** So many utterances a second over all talkers in turn, whatever the answers do. */
async function steady({ perSecond, forMs }: { perSecond: number; forMs: number }): Promise<Run> {
  const began = sharedNow()
  const saying: Promise<Said>[] = []
  for (let i = 0; i < (forMs * perSecond) / 1000; i++) {
    await pause(Math.max(0, began + (i * 1000) / perSecond - sharedNow()))
    const talker = talkers[i % talkers.length]
    if (talker) saying.push(talker.say(0))
  }
  return { said: await Promise.all(saying), ms: sharedNow() - began }
}

/** Commits so many utterances that nobody takes, and does not wait for them. */
async function leaveWaiting({ count }: { count: number }): Promise<void> {
  for (let i = 0; i < count; i++) await talkers[i % talkers.length]?.commit()
}

serveQuestions({ open, close, idle, flatOut, steady, leaveWaiting })
