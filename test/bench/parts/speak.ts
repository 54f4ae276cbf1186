import { setTimeout as pause } from 'node:timers/promises'
import { io, type Socket } from 'socket.io-client'
import { NAMESPACE, type StartRequest } from '../../../src/protocol/events.ts'
import { sharedNow } from '../clock.ts'
import { serveQuestions } from '../part.ts'

export interface SpeakOptions {
  readonly url: string
  readonly sessions: number
  /** Without LinguaMQ behind it nobody answers `session.start`. */
  readonly raw: boolean
}

export interface Spoken {
  readonly chunks: number
  /** From each chunk's way out to the acknowledgement that covers it, ms. */
  readonly ackMs: readonly number[]
  /** How late the chunks were sent, ms: load that cannot keep its pace measures itself. */
  readonly lateMs: readonly number[]
  /** Sessions whose audio was refused: nothing behind that counts. */
  readonly refused: number
}

interface Speaker {
  readonly socket: Socket
  /** When each chunk that is not acknowledged was sent, oldest first. */
  readonly sentAt: number[]
  next: number
}

const CHUNK_MS = 100
const CHUNK = Buffer.alloc(3200, 1)
const START: StartRequest = {
  source: 'en',
  target: 'es',
  endpointing: { mode: 'manual', maxDurationMs: 60_000 },
}
const OPENED_AT_ONCE = 20

let speakers: Speaker[] = []
let ackMs: number[] = []
let refused = 0

async function open({ url, sessions, raw }: SpeakOptions): Promise<void> {
  for (let at = 0; at < sessions; at += OPENED_AT_ONCE)
    speakers.push(
      ...(await Promise.all(
        Array.from({ length: Math.min(OPENED_AT_ONCE, sessions - at) }, () => openOne(url, raw)),
      )),
    )
}

/** Bare Socket.IO, so that both sides get the same frames. */
async function openOne(url: string, raw: boolean): Promise<Speaker> {
  const socket = io(new URL(NAMESPACE, url).href, { transports: ['websocket'], forceNew: true })
  await new Promise<void>((resolve) => void socket.once('connect', resolve))
  const speaker: Speaker = { socket, sentAt: [], next: 0 }
  if (!raw) {
    const answer: { ok: boolean } = await socket.emitWithAck('session.start', START)
    if (!answer.ok) throw new Error(JSON.stringify(answer))
  }
  socket.once('session.error', () => {
    refused += 1
  })
  socket.on('audio.ack', ({ chunk }: { chunk: number }) => {
    const now = sharedNow()
    const oldest = speaker.next - speaker.sentAt.length
    for (const at of speaker.sentAt.splice(0, chunk + 1 - oldest)) ackMs.push(now - at)
  })
  return speaker
}

function close(): void {
  for (const { socket } of speakers) socket.disconnect()
  speakers = []
}

/** Everybody sends a chunk every 100 ms, evenly spread over the 100 ms. */
async function speak({ forMs }: { forMs: number }): Promise<Spoken> {
  ackMs = []
  const lateMs: number[] = []
  const began = sharedNow()
  const total = Math.floor((forMs / CHUNK_MS) * speakers.length)
  for (let i = 0; i < total; i++) {
    const due = began + (i * CHUNK_MS) / speakers.length
    if (due > sharedNow()) await pause(Math.ceil(due - sharedNow()))
    const speaker = speakers[i % speakers.length]
    if (!speaker) continue
    lateMs.push(Math.max(0, sharedNow() - due))
    speaker.sentAt.push(sharedNow())
    speaker.socket.emit('audio.append', speaker.next, CHUNK)
    speaker.next += 1
  }
  await pause(CHUNK_MS)
  return { chunks: total, ackMs, lateMs, refused }
}

serveQuestions({ open, close, speak })
