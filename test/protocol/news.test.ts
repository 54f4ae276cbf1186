import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { STAGES } from '../../src/protocol/events.ts'
import { parseNews } from '../../src/protocol/news.ts'
import { ids } from './arbitraries.ts'

describe('news for a gateway', () => {
  test('of results is a wake', () => {
    fc.assert(
      fc.property(ids, (session) => {
        expect(parseNews(`wake ${session}`)).toEqual({ kind: 'wake', session })
      }),
    )
  })

  test('of one result carries it as it is, blanks and all', () => {
    const outcomes = fc.json({ stringUnit: 'binary' })
    const property = fc.property(
      ids,
      fc.nat(),
      fc.boolean(),
      outcomes,
      (session, n, late, outcome) => {
        const news = parseNews(`wake ${session} ${n + 1} ${n} ${late ? 1 : 0} ${outcome}`)
        const put = { seq: n + 1, index: n, late, outcome }
        expect(news).toEqual({ kind: 'wake', session, put })
      },
    )
    fc.assert(property)
  })

  test('of another connection names its epoch', () => {
    fc.assert(
      fc.property(ids, fc.nat(), (session, epoch) => {
        const news = parseNews(`superseded ${session} ${epoch}`)
        expect(news).toEqual({ kind: 'superseded', session, epoch })
      }),
    )
  })

  test('of progress carries its text as it is, blanks and all', () => {
    const texts = fc.string({ unit: 'binary' })
    const property = fc.property(ids, fc.constantFrom(...STAGES), texts, (id, stage, text) => {
      const news = parseNews(`progress ${id} ${stage} ${text}`)
      expect(news).toEqual({ kind: 'progress', attempt: id, stage, text })
    })
    fc.assert(property)
  })

  test.for(['', 'hello', 'Wake s', 'progress', 'progress u_s_1.1', 'progress u_s_1.1 thinking x'])(
    'is none of ours: %j',
    (message) => {
      expect(parseNews(message)).toBeUndefined()
    },
  )
})
