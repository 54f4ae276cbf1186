import { z } from 'zod'

/** What the detector's process is asked, one errand at a time: all that came since the last one. */
export interface Errand {
  readonly open?: { readonly stream: number; readonly sampleRate: number } | undefined
  readonly close: readonly number[]
  readonly audio: readonly { readonly stream: number; readonly pcm: Uint8Array }[]
}

const frame = z.object({ bytes: z.number(), speech: z.boolean(), level: z.number() })

/** What it says: first whether it can work at all, then what it judged in each errand. */
export const Statement = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ready') }),
  z.object({ kind: z.literal('unable'), message: z.string() }),
  z.object({
    kind: z.literal('done'),
    judged: z.array(z.object({ stream: z.number(), frames: z.array(frame) })),
  }),
])

export type Statement = z.infer<typeof Statement>
