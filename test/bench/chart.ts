import type { Curve } from './row.ts'

const PANEL = { width: 300, height: 220, left: 48, right: 24, top: 40, bottom: 42 } as const

/**
 * The curves side by side as an SVG that reads on light and on dark ground. Across, each step is ten
 * times the last; upwards the scale is linear and begins at zero, so that flat looks flat.
 */
export function chartOf(curves: readonly Curve[]): string {
  const width = PANEL.width * curves.length
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${PANEL.height}"`,
    `  width="${width}" height="${PANEL.height}" font-family="sans-serif" font-size="11">`,
    '<style>',
    '  text { fill: #444 } .axis { stroke: #999 } .curve { stroke: #2b6cb0; fill: none; stroke-width: 2 }',
    '  .point { fill: #2b6cb0 } .spread { stroke: #2b6cb0; opacity: 0.4; stroke-width: 3 }',
    '  @media (prefers-color-scheme: dark) { text { fill: #ccc } }',
    '</style>',
    ...curves.flatMap((curve, i) => [
      `<g transform="translate(${i * PANEL.width} 0)">`,
      ...panelOf(curve).map((line) => `  ${line}`),
      '</g>',
    ]),
    '</svg>',
    '',
  ].join('\n')
}

function panelOf({ title, of, unit, points }: Curve): string[] {
  const { width, height, left, right, top, bottom } = PANEL
  const ceiling = niceAbove(Math.max(...points.map(({ y }) => y.median)) * 1.5)
  const floor = height - bottom
  const [first, last] = [points[0]?.x ?? 1, points.at(-1)?.x ?? 10]
  const across = (x: number): string =>
    (left + (Math.log(x / first) / Math.log(last / first)) * (width - left - right)).toFixed(1)
  const up = (y: number): string =>
    (floor - (Math.min(y, ceiling) / ceiling) * (floor - top)).toFixed(1)
  const path = points.map(({ x, y }) => `${across(x)},${up(y.median)}`).join(' ')
  return [
    `<text x="${left}" y="18" font-weight="bold">${title.replaceAll('`', '')} by ${of}</text>`,
    `<text x="${left}" y="31">${unit}</text>`,
    `<path class="axis" d="M${left} ${top}V${floor}H${width - right}" fill="none"/>`,
    ...[0, ceiling / 2, ceiling].map(
      (y) => `<text x="${left - 6}" y="${up(y)}" dy="4" text-anchor="end">${shown(y)}</text>`,
    ),
    `<polyline class="curve" points="${path}"/>`,
    ...points.flatMap(({ x, y }) => [
      `<path class="spread" d="M${across(x)} ${up(y.low)}V${up(y.high)}"/>`,
      `<circle class="point" cx="${across(x)}" cy="${up(y.median)}" r="3.5"/>`,
      `<text x="${across(x)}" y="${floor + 16}" text-anchor="middle">${x.toLocaleString('en')}</text>`,
    ]),
    `<text x="${(left + width - right) / 2}" y="${height - 8}" text-anchor="middle">${of}</text>`,
  ]
}

/** The least of 1, 2, 5, 10, 20, 50 ... that is not below. */
function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value) ?? value
}

const shown = (value: number): string => String(Number(value.toPrecision(3)))
