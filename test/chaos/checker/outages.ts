import type { View } from './view.ts'

/** A stretch of time. */
export interface Span {
  readonly from: number
  readonly to: number
}

/** When Redis was away. */
export function outagesOf({ of }: View): readonly Span[] {
  const backs = of('back')
  return of('away').map(({ at }) => ({
    from: at,
    to: backs.find((back) => back.at >= at)?.at ?? Infinity,
  }))
}

/** How much of the time between two instants lies in these spans, ms. */
export const overlap = (spans: readonly Span[], from: number, to: number): number =>
  spans.reduce(
    (sum, span) => sum + Math.max(0, Math.min(to, span.to) - Math.max(from, span.from)),
    0,
  )
