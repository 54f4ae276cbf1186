import { createHash, randomBytes } from 'node:crypto'

/** A resume token is shown to its client once; Redis keeps its hash only. */
export const newToken = (): string => randomBytes(24).toString('base64url')

export const hashToken = (token: string): string =>
  createHash('sha256').update(token).digest('base64url')
