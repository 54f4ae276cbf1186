import { STAGES, type Stage } from './events.ts'

/** What scripts publish on the channel of a gateway: words separated by spaces, a text last. */
export type GatewayNews =
  | { readonly kind: 'wake' | 'overflow'; readonly session: string }
  | { readonly kind: 'superseded'; readonly session: string; readonly epoch: number }
  | {
      readonly kind: 'progress'
      readonly attempt: string
      readonly stage: Stage
      readonly text: string
    }

/** Reads one message of a gateway's channel; undefined if it is none of ours. */
export function parseNews(message: string): GatewayNews | undefined {
  const [kind, a = '', b = '', ...rest] = message.split(' ')
  if (kind === 'wake' || kind === 'overflow') return { kind, session: a }
  if (kind === 'superseded') return { kind, session: a, epoch: Number(b) }
  const stage = STAGES.find((each) => each === b)
  return kind === 'progress' && stage
    ? { kind, attempt: a, stage, text: rest.join(' ') }
    : undefined
}
