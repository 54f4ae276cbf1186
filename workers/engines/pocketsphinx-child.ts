import type { Question, Statement } from './decoder.ts'
import { EN_US, loadDecoder, MODEL_RATE } from './libpocketsphinx.ts'
import { createResampler } from './resample.ts'

function say(statement: Statement, then?: () => void): void {
  process.send?.(statement, undefined, undefined, then)
}

// However the parent dies the channel closes. An exit would first wait for the decode in progress.
process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'))

try {
  const decode = loadDecoder(EN_US)
  const resample = createResampler(MODEL_RATE)
  process.on('message', ({ id, pcm, sampleRate }: Question) => {
    resample(pcm, sampleRate)
      .then(decode)
      .then((text) => say({ kind: 'text', id, text }))
      // The decoder is in an unknown state: the parent sees the end and starts another.
      .catch(() => process.exit(1))
  })
  say({ kind: 'ready' })
} catch (error) {
  const message = error instanceof Error ? error.message : String(error)
  say({ kind: 'unable', message }, () => process.exit(1))
}
