import { SignJWT, UnsecuredJWT, type JWTPayload } from 'jose'
import { describe, expect, test } from 'vitest'
import { ANONYMOUS, createAuthenticate } from '../../src/gateway/auth.ts'

const SECRET = 'a secret of thirty-two characters'
const CLAIMS = { sub: 'ada', aud: 'linguamq' }
const FAR = { address: '203.0.113.7', origin: 'https://app.example' }
const NEAR = { address: '127.0.0.1', origin: undefined }

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const unsigned = (claims: JWTPayload, exp: number | string = '5 min'): SignJWT =>
  new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).setExpirationTime(exp)
const sign = (jwt: SignJWT, secret = SECRET): Promise<string> => jwt.sign(bytes(secret))

describe('with a secret', () => {
  const authenticate = createAuthenticate(SECRET)
  const offer = async (token: unknown) => authenticate({ ...FAR, token: await token })

  test('a good token is admitted from anywhere as its subject', async () => {
    await expect(offer(sign(unsigned(CLAIMS)))).resolves.toBe('ada')
  })

  test('one of several audiences is enough', async () => {
    const claims = { ...CLAIMS, aud: ['other', 'linguamq'] }
    await expect(offer(sign(unsigned(claims)))).resolves.toBe('ada')
  })

  const past = Math.floor(Date.now() / 1000) - 1
  const header = (alg: string) =>
    new SignJWT(CLAIMS).setProtectedHeader({ alg }).setExpirationTime('5 min')
  const swapped = async (): Promise<string> => {
    const [head, , signature] = (await sign(unsigned(CLAIMS))).split('.')
    const [, payload] = (await sign(unsigned({ ...CLAIMS, sub: 'eve' }))).split('.')
    return [head, payload, signature].join('.')
  }

  test.for<readonly [what: string, token: () => unknown]>([
    ['no token', () => undefined],
    ['an empty one', () => ''],
    ['one that is no text', () => ({ toString: () => 'ada' })],
    ['one that is no JWT', () => 'ada'],
    ['an expired one', () => sign(unsigned(CLAIMS, past))],
    [
      'one that never expires',
      () => sign(new SignJWT(CLAIMS).setProtectedHeader({ alg: 'HS256' })),
    ],
    ['one without a subject', () => sign(unsigned({ aud: 'linguamq' }))],
    ['one whose subject is empty', () => sign(unsigned({ ...CLAIMS, sub: '' }))],
    [
      'one whose subject is no text',
      () => sign(unsigned({ ...CLAIMS, sub: 7 as unknown as string })),
    ],
    ['one for somebody else', () => sign(unsigned({ ...CLAIMS, aud: 'other' }))],
    ['one for nobody', () => sign(unsigned({ sub: 'ada' }))],
    ['one that is not valid yet', () => sign(unsigned(CLAIMS).setNotBefore('1 min'))],
    ['one signed with another secret', () => sign(unsigned(CLAIMS), SECRET.toUpperCase())],
    ['one signed by another algorithm', () => sign(header('HS512'), SECRET.repeat(2))],
    ['one with another HMAC of the same secret', () => sign(header('HS384'), SECRET)],
    ['an unsigned one', () => new UnsecuredJWT(CLAIMS).setExpirationTime('5 min').encode()],
    ['one whose payload was changed', swapped],
  ])('%s is refused, from this machine too', async ([, token]) => {
    const offered = await token()
    for (const from of [FAR, NEAR])
      await expect(authenticate({ ...from, token: offered })).rejects.toMatchObject({
        name: 'LinguaError',
        code: 'unauthorized',
      })
  })

  test('a refusal does not say what was wrong with the token', async () => {
    await expect(offer(sign(unsigned(CLAIMS, past)))).rejects.toThrow(
      'The token is missing, wrong or expired.',
    )
  })
})

describe('without a secret', () => {
  const authenticate = createAuthenticate(undefined)

  test.for(['127.0.0.1', '127.8.9.10', '::1', '::ffff:127.0.0.1'])(
    'a program on this machine (%s) is admitted as anonymous, whatever its token',
    async (address) => {
      const admitted = authenticate({ address, origin: undefined, token: 'any' })
      await expect(admitted).resolves.toBe(ANONYMOUS)
    },
  )

  test.for([
    '10.0.0.1',
    '203.0.113.7',
    '128.0.0.1',
    '::ffff:10.0.0.1',
    '::2',
    'fe80::1',
    '1127.0.0.1',
    '127.0.0.1.example',
    'localhost',
    '',
  ])('an address that is not of this machine (%j) is refused', async (address) => {
    const refused = authenticate({ address, origin: undefined, token: undefined })
    await expect(refused).rejects.toMatchObject({ code: 'forbidden_origin' })
  })

  test.for([
    'http://localhost',
    'http://localhost:3000',
    'https://localhost:3000',
    'http://127.0.0.1:8080',
    'http://[::1]:8080',
  ])('a page of this machine (%s) is admitted', async (origin) => {
    await expect(authenticate({ ...NEAR, origin, token: undefined })).resolves.toBe(ANONYMOUS)
  })

  test.for([
    'https://evil.example',
    'http://localhost.evil.example',
    'http://evil.example#localhost',
    'http://127.0.0.1.evil.example',
    'http://localhost:80@evil.example',
    'http://notlocalhost',
    'file://localhost',
    'null',
    '',
  ])('a page of anybody else (%j) is refused though its browser runs here', async (origin) => {
    const refused = authenticate({ ...NEAR, origin, token: undefined })
    await expect(refused).rejects.toMatchObject({ code: 'forbidden_origin' })
  })
})
