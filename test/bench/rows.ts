import type { Row } from './row.ts'
import { engines } from './rows/engines.ts'
import { failover } from './rows/failover.ts'
import { growth } from './rows/growth.ts'
import { ingest } from './rows/ingest.ts'
import { memory } from './rows/memory.ts'
import { redisCost } from './rows/redis.ts'
import { route } from './rows/route.ts'
import { sessions } from './rows/sessions.ts'
import { utterance } from './rows/utterance.ts'

/** Every row, in the order of the table. */
export const ROWS: readonly Row[] = [
  utterance,
  ingest,
  sessions,
  redisCost,
  route,
  growth,
  failover,
  memory,
  engines,
]
