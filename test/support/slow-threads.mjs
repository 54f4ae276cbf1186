// Preloaded into a process whose threads shall take SLOW_THREAD_MS longer to start.
import { isMainThread } from 'node:worker_threads'

const ms = Number(process.env.SLOW_THREAD_MS ?? 0)
if (!isMainThread) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
