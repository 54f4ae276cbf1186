import { Redis } from 'ioredis'

/**
 * A connection whose commands of one turn of the event loop leave in one write, in the order given: a
 * write for each is a third of what a busy gateway does. Nothing waits for an answer before the next.
 */
export class CorkedRedis extends Redis {
  override sendCommand(...command: Parameters<Redis['sendCommand']>): unknown {
    const { stream } = this
    if (stream?.writableCorked === 0) {
      stream.cork()
      setImmediate(() => stream.uncork())
    }
    return super.sendCommand(...command)
  }
}
