import { STAGES, type Stage } from './events.ts'

/** What scripts publish on the channel of a gateway: words separated by spaces, a text last. */
export type GatewayNews =
  | { readonly kind: 'overflow'; readonly session: string }
  /** The outbox has something new; `put` is what, where it is one outcome and no more. */
  | { readonly kind: 'wake'; readonly session: string; readonly put?: Put }
  | { readonly kind: 'superseded'; readonly session: string; readonly epoch: number }
  | {
      readonly kind: 'progress'
      readonly attempt: string
      readonly stage: Stage
      readonly text: string
    }

/** An outcome as it was put into an outbox. */
export interface Put {
  readonly seq: number
  readonly index: number
  readonly late: boolean
  /** A JSON object. */
  readonly outcome: string
}

/** Reads one message of a gateway's channel; undefined if it is none of ours. */
export function parseNews(message: string): GatewayNews | undefined {
  const [kind, a = '', b = '', ...rest] = message.split(' ')
  if (kind === 'overflow') return { kind, session: a }
  if (kind === 'wake') return { kind, session: a, ...(b !== '' && { put: parsePut(b, rest) }) }
  if (kind === 'superseded') return { kind, session: a, epoch: Number(b) }
  const stage = STAGES.find((each) => each === b)
  return kind === 'progress' && stage
    ? { kind, attempt: a, stage, text: rest.join(' ') }
    : undefined
}

function parsePut(seq: string, [index = '', late = '', ...outcome]: readonly string[]): Put {
  return {
    seq: Number(seq),
    index: Number(index),
    late: late === '1',
    outcome: outcome.join(' '),
  }
}
