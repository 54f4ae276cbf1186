import { jwtVerify } from 'jose'
import { LinguaError } from '../protocol/codes.ts'

export interface Handshake {
  readonly address: string
  readonly origin: string | undefined
  readonly token: unknown
}

/** Answers the subject of a connection. Throws `unauthorized` or `forbidden_origin`. */
export type Authenticate = (handshake: Handshake) => Promise<string>

/** The subject of everybody where no secret is set. */
export const ANONYMOUS = 'anonymous'

/** With a secret a JWT (HS256, `sub`, `aud: "linguamq"`, `exp`) is demanded; without, only this machine is served. */
export function createAuthenticate(secret: string | undefined): Authenticate {
  if (secret === undefined) return admitLoopback
  const key = new TextEncoder().encode(secret)
  return async ({ token }) => {
    if (typeof token !== 'string') throw new LinguaError('unauthorized', 'auth.token is missing')
    const { payload } = await jwtVerify(token, key, {
      algorithms: ['HS256'],
      audience: 'linguamq',
      requiredClaims: ['sub', 'exp'],
    }).catch((cause: unknown) => {
      throw new LinguaError('unauthorized', undefined, { cause })
    })
    const { sub } = payload
    if (typeof sub !== 'string' || sub === '') throw new LinguaError('unauthorized')
    return sub
  }
}

const LOOPBACK = /^(::1|(::ffff:)?127(\.\d{1,3}){3})$/
const LOCAL_ORIGIN = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/

/**
 * Answers the anonymous subject. Throws `forbidden_origin` unless the caller is on this machine, and no page
 * of another site: those must not reach a scheduler that trusts its machine.
 */
export function admitLoopback({ address, origin }: Omit<Handshake, 'token'>): Promise<string> {
  return LOOPBACK.test(address) && (origin === undefined || LOCAL_ORIGIN.test(origin))
    ? Promise.resolve(ANONYMOUS)
    : Promise.reject(new LinguaError('forbidden_origin'))
}
