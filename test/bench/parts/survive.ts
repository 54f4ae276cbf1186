import { connect, type Session } from '../../../src/client/client.ts'
import { scriptedAudio } from '../../../workers/engines/scripted.ts'
import { sharedNow } from '../clock.ts'
import { serveQuestions } from '../part.ts'

/** Never returns on its first attempt, at once on its second. */
const AUDIO = scriptedAudio({ text: 'hello', hang: 1 }, 3200)

let sessions: Session[] = []
let again: Promise<number>[] = []

async function open({ url, count }: { url: string; count: number }): Promise<void> {
  sessions = await Promise.all(
    Array.from({ length: count }, () =>
      connect(url, { source: 'en', target: 'es', endpointing: { mode: 'manual' } }),
    ),
  )
}

/** Resolves when every session's utterance is being worked on. */
async function begin(): Promise<void> {
  const started = sessions.map((session) => startOf(session, 1))
  again = sessions.map((session) => startOf(session, 2))
  for (const session of sessions) {
    session.append(AUDIO)
    await session.commit()
  }
  await Promise.all(started)
}

/** When attempt `n` or a later one was started; the result itself says so too. */
function startOf(session: Session, n: number): Promise<number> {
  return new Promise((resolve) => {
    session.on('progress', ({ stage, attempt }) => {
      if (stage === 'started' && attempt >= n) resolve(sharedNow())
    })
    session.on('result', () => resolve(sharedNow()))
  })
}

/** The instants at which each was started again, on the machine's clock. */
const restarted = (): Promise<number[]> => Promise.all(again)

function close(): void {
  for (const session of sessions) session.leave()
  sessions = []
}

serveQuestions({ open, begin, restarted, close })
