import { expectTypeOf, test } from 'vitest'
import type { z } from 'zod'
import type {
  AudioFormat,
  ClientEvents,
  ResumeRequest,
  StartRequest,
} from '../../src/protocol/events.ts'
import type {
  ChildJob,
  ChildResult,
  Registration,
  UtteranceJob,
  Vitals,
} from '../../src/protocol/jobs.ts'
import type * as schemas from '../../src/protocol/schemas.ts'

/** What a schema reads. */
type Read<Name extends keyof typeof schemas> = (typeof schemas)[Name] extends z.ZodType
  ? z.output<(typeof schemas)[Name]>
  : never
/** What a client sends with an event. */
type Sent<Event extends keyof ClientEvents> = Parameters<ClientEvents[Event]>[0]
/** The fields of a type, of every member if it is a union. */
type Fields<T> = T extends unknown ? keyof T : never

/** Held by the type check alone: at run time these tests cannot fail. */
test('what the schemas read is what the types promise', () => {
  expectTypeOf<Read<'audioFormat'>>().toExtend<AudioFormat>()
  expectTypeOf<Read<'startRequest'>>().toExtend<StartRequest>()
  expectTypeOf<Read<'resumeRequest'>>().toExtend<ResumeRequest>()
  expectTypeOf<Read<'sessionStart'>>().toExtend<Sent<'session.start'>>()
  expectTypeOf<Read<'chunkNumber'>>().toExtend<Sent<'audio.append'>>()
  expectTypeOf<Read<'commitRequest'>>().toExtend<Sent<'utterance.commit'>>()
  expectTypeOf<Read<'cancelRequest'>>().toExtend<Sent<'utterance.cancel'>>()
  expectTypeOf<Read<'playbackRequest'>>().toExtend<Sent<'playback.started'>>()
  expectTypeOf<Read<'playbackRequest'>>().toExtend<Sent<'playback.ended'>>()
  expectTypeOf<Read<'resultAck'>>().toExtend<Sent<'result.ack'>>()
  expectTypeOf<Read<'closeRequest'>>().toExtend<Sent<'session.close'>>()
  expectTypeOf<Read<'utteranceJob'>>().toExtend<UtteranceJob>()
  expectTypeOf<Read<'childJob'>>().toExtend<ChildJob>()
  expectTypeOf<Read<'childResult'>>().toExtend<ChildResult>()
  expectTypeOf<Read<'registration'>>().toExtend<Registration>()
  expectTypeOf<Read<'vitals'>>().toExtend<Vitals>()
})

test('no field that the types promise is missing in its schema', () => {
  expectTypeOf<Fields<Read<'audioFormat'>>>().toEqualTypeOf<Fields<AudioFormat>>()
  expectTypeOf<Fields<Read<'startRequest'>>>().toEqualTypeOf<Fields<StartRequest>>()
  expectTypeOf<Fields<Read<'resumeRequest'>>>().toEqualTypeOf<Fields<ResumeRequest>>()
  expectTypeOf<Fields<Read<'sessionStart'>>>().toEqualTypeOf<Fields<Sent<'session.start'>>>()
  expectTypeOf<Fields<Read<'commitRequest'>>>().toEqualTypeOf<Fields<Sent<'utterance.commit'>>>()
  expectTypeOf<Fields<Read<'cancelRequest'>>>().toEqualTypeOf<Fields<Sent<'utterance.cancel'>>>()
  expectTypeOf<Fields<Read<'playbackRequest'>>>().toEqualTypeOf<Fields<Sent<'playback.ended'>>>()
  expectTypeOf<Fields<Read<'resultAck'>>>().toEqualTypeOf<Fields<Sent<'result.ack'>>>()
  expectTypeOf<Fields<Read<'utteranceJob'>>>().toEqualTypeOf<Fields<UtteranceJob>>()
  expectTypeOf<Fields<Read<'childJob'>>>().toEqualTypeOf<Fields<ChildJob>>()
  expectTypeOf<Fields<Read<'childResult'>>>().toEqualTypeOf<Fields<ChildResult>>()
  expectTypeOf<Fields<Read<'registration'>>>().toEqualTypeOf<Fields<Registration>>()
  expectTypeOf<Fields<Read<'vitals'>>>().toEqualTypeOf<Fields<Vitals>>()
})
