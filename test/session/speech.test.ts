import { describe, expect, test } from 'vitest'
import {
  afterCut,
  afterFrames,
  afterPlayback,
  decide,
  dueAt,
  speechOf,
} from '../../src/session/cutter.ts'
import {
  chunks,
  GAP,
  heard,
  levelsFor,
  MANUAL,
  ms,
  said,
  silent,
  speaking,
  Speaker,
  VAD,
} from './speaker.ts'

const LONGEST = ms(12_000)

describe('in vad mode', () => {
  const spoken = (...parts: readonly (readonly boolean[])[]): Speaker => {
    const speaker = new Speaker(VAD)
    speaker.say(parts.flat(), [640])
    return speaker
  }

  test('silence is dropped in pieces, however long it is, and 200 ms of it are kept', () => {
    const { state, drops, utterances } = spoken(silent(10_000))
    expect(utterances).toEqual([])
    expect(state.stored - state.base).toBeLessThan(VAD.idle)
    expect(drops.length).toBeLessThanOrEqual(20)
    expect(drops[0]).toBe(ms(520))
  })

  test('a noise shorter than speech is dropped once a pause has followed it', () => {
    const { utterances, drops } = spoken(said(140), silent(500))
    expect(utterances).toEqual([])
    expect(drops).toEqual([ms(440)])
  })

  test('noises that are pauses apart never add up to speech', () => {
    const clicks = Array.from({ length: 20 }, () => [...said(100), ...silent(600)]).flat()
    expect(spoken(clicks).utterances).toEqual([])
  })

  test('a pause in the middle of a long chunk ends the utterance there', () => {
    const speaker = new Speaker(VAD)
    speaker.say([...said(1000), ...silent(700), ...said(1000)], [16_000 * 3])
    expect(speaker.utterances).toMatchObject([{ begin: 0, end: ms(1300), reason: 'pause' }])
    expect(speechOf(speaker.state, VAD).begin).toBe(ms(1500))
  })

  test('speech that stalls is cut 3 s after its last chunk, all of it', () => {
    const speaker = spoken(said(1000), silent(200))
    expect(dueAt(speaker.state, VAD, speaker.now)).toBe(speaker.now + 3000)
    speaker.wait(2999)
    expect(speaker.utterances).toEqual([])
    speaker.wait(1)
    expect(speaker.utterances).toMatchObject([{ begin: 0, end: ms(1200), reason: 'timeout' }])
    expect(dueAt(speaker.state, VAD, speaker.now)).toBeUndefined()
  })

  test('a noise that stalls is dropped, and silence that stalls is nothing', () => {
    const noise = spoken(said(100))
    noise.wait(3000)
    expect(noise).toMatchObject({ utterances: [], drops: [ms(100)] })
    const silence = spoken(silent(300))
    expect(dueAt(silence.state, VAD, silence.now)).toBeUndefined()
  })

  test('a commit takes the speech there is, and without enough of it nothing', () => {
    const speaker = spoken(silent(400), said(140))
    expect(speaker.commit()).toBe(false)
    speaker.say(said(20), [320])
    expect(speaker.commit()).toBe(true)
    expect(speaker.utterances).toMatchObject([{ begin: ms(200), end: ms(560) }])
  })

  test('bytes that were cut before they were heard are not heard for the next utterance', () => {
    const stalled = chunks(heard(VAD, levelsFor(1000)), [ms(30), 0])
    const cut = decide(stalled, VAD, 3000)
    expect(cut).toMatchObject({ endByte: ms(1030), reason: 'timeout' })
    const next = afterFrames(afterCut(stalled, 0, ms(1030)), VAD, [
      { bytes: ms(20), speech: true, level: 1 },
      { bytes: ms(20), speech: true, level: 1 },
    ])
    expect(next.moments).toHaveLength(1)
    expect(speechOf(next, VAD).begin).toBe(ms(1030))
  })
})

describe('speech that goes on for too long is cut', () => {
  test.for([GAP, MANUAL, VAD])(
    'in mode $mode in the middle of the quietest moment of the last second',
    (rules) => {
      const levels = [...levelsFor(11_200), ...levelsFor(100, 200), ...levelsFor(200)]
      levels.push(...levelsFor(100, 10), ...levelsFor(600))
      const state = heard(rules, levels)
      expect(decide(state, rules, 0)).toMatchObject({
        endByte: ms(11_550),
        reason: 'max_duration',
      })
    },
  )

  test('not at a quiet moment before the last second', () => {
    const levels = [...levelsFor(10_800), ...levelsFor(100, 1), ...levelsFor(1300)]
    expect(decide(heard(GAP, levels), GAP, 0)).toMatchObject({ endByte: LONGEST })
  })

  test('at its end if no moment is clearly quieter than the others', () => {
    const levels = [...levelsFor(11_500), ...levelsFor(100, 600), ...levelsFor(500)]
    expect(decide(heard(GAP, levels), GAP, 0)).toMatchObject({ endByte: LONGEST })
  })

  test('so that what follows is enough for an utterance, or no speech at all', () => {
    expect(decide(heard(VAD, levelsFor(12_200)), VAD, 0)).toMatchObject({
      endByte: LONGEST - VAD.minSpeech,
    })
    const late = [...levelsFor(11_900), ...levelsFor(100, 1), ...levelsFor(200)]
    expect(decide(heard(VAD, late), VAD, 0)).toMatchObject({
      endByte: LONGEST - VAD.minSpeech,
    })
    const stopped = heard(VAD, levelsFor(12_200), 595)
    expect(decide(stopped, VAD, 0)).toMatchObject({ endByte: LONGEST, reason: 'max_duration' })
  })

  test('only when all of it has been heard', () => {
    const state = chunks(heard(VAD, levelsFor(11_800)), [ms(2000), 1])
    expect(decide(state, VAD, 1)).toBeUndefined()
  })
})

describe('while something is played to the speaker', () => {
  const UNTIL = 30_000

  test('no pause ends an utterance; once it is over the pause does at once', () => {
    for (const rules of [GAP, VAD]) {
      const state = afterPlayback(heard(rules, levelsFor(2000), 50), UNTIL)
      expect(decide(state, rules, 5000)).toBeUndefined()
      expect(dueAt(state, rules, 5000)).toBe(UNTIL)
      expect(decide(state, rules, UNTIL)).toMatchObject({ reason: 'pause' })
      expect(decide(afterPlayback(state, undefined), rules, 5000)).toMatchObject({
        reason: 'pause',
      })
    }
  })

  test('nothing stalls; the time it takes does not count', () => {
    const state = afterPlayback(heard(VAD, levelsFor(1000)), UNTIL)
    expect(decide(state, VAD, 4000)).toBeUndefined()
    expect(dueAt(state, VAD, 4000)).toBe(UNTIL)
    expect(decide(state, VAD, UNTIL)).toMatchObject({ reason: 'timeout' })
  })

  test('what grows too long is cut all the same', () => {
    const state = afterPlayback(heard(VAD, levelsFor(13_000), 50), UNTIL)
    expect(decide(state, VAD, 5000)).toMatchObject({ reason: 'max_duration' })
    expect(decide(afterPlayback(speaking(0, LONGEST, 0), UNTIL), GAP, 1)).toMatchObject({
      reason: 'max_duration',
    })
  })
})
