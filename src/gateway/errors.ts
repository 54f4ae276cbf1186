import { isRedisDown } from '../platform/redis.ts'
import { ERROR_CODES, LinguaError, type WireError } from '../protocol/codes.ts'

const RETRY_AFTER_MS = 500

/** Any error as the wire tells it; what is nobody's business stays in the log as `internal`. */
export function toWireError(error: unknown): WireError {
  if (error instanceof LinguaError) return error.toWire()
  if (isRedisDown(error))
    return {
      code: 'dependency_down',
      message: ERROR_CODES.dependency_down,
      retryAfterMs: RETRY_AFTER_MS,
    }
  return { code: 'internal', message: ERROR_CODES.internal }
}
