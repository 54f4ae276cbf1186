import { html, raw } from 'hono/html'
import type { Fleet, NodeView } from './fleet.ts'
import type { FleetState } from './follow.ts'

const REFRESH_S = 2

/** The fleet as one page of plain HTML that loads itself anew every 2 s. */
export const fleetPage = ({ fleet, fault }: FleetState) =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="refresh" content="${REFRESH_S}" />
        <title>LinguaMQ fleet</title>
        <style>
          ${raw(STYLE)}
        </style>
      </head>
      <body>
        <header>
          <h1>LinguaMQ</h1>
          <nav><a href="/queues">Queues</a></nav>
        </header>
        ${fault === undefined ? '' : html`<p class="fault">Redis does not answer: ${fault}</p>`}
        ${fleet === undefined ? html`<p>Nothing was read yet.</p>` : fleetTable(fleet)}
      </body>
    </html>`

const fleetTable = ({ nodes, sessions }: Fleet) => html`
  <p class="sum">${count(nodes.length, 'node')}, ${count(sessions, 'session')}</p>
  ${
    nodes.length === 0
      ? html`<p>No node is registered. Start one with <code>npm run node</code>.</p>`
      : html`<table>
          <thead>
            <tr>
              <th>Node</th>
              <th>State</th>
              <th>Incarnation</th>
              <th class="number">In hand</th>
              <th class="number">Capacity</th>
              <th>Pairs</th>
              <th>Host</th>
              <th class="number" title="Results that were not let in">Late</th>
              <th class="number">Last beat</th>
            </tr>
          </thead>
          <tbody>
            ${nodes.map(nodeRow)}
          </tbody>
        </table>`
  }
`

const nodeRow = (node: NodeView) =>
  html`<tr>
    <td><a href="/queues/queue/${encodeURIComponent(node.queue)}">${node.id}</a></td>
    <td><span class="state ${node.state}">${node.state}</span></td>
    <td><code>${node.incarnation}</code></td>
    <td class="number">${node.inHand}</td>
    <td class="number">${node.capacity}</td>
    <td>${describePairs(node.pairs)}</td>
    <td>${node.host}</td>
    <td class="number">${node.lateResults}</td>
    <td class="number">${describeAge(node.beatAgeMs)}</td>
  </tr> `

const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`

const describeAge = (ms: number | undefined): string =>
  ms === undefined ? 'none yet' : `${(ms / 1000).toFixed(1)} s ago`

const SPEECH = '+speech'

/** A pair that is also spoken is registered twice, once with a mark. */
function describePairs(pairs: readonly string[]): string {
  const spoken = new Set(pairs.filter((pair) => pair.endsWith(SPEECH)))
  return pairs
    .filter((pair) => !spoken.has(pair))
    .map((pair) => pair.replace('>', ' → ') + (spoken.has(pair + SPEECH) ? ' (speech)' : ''))
    .join(', ')
}

const STYLE = `
:root { color-scheme: light dark; --line: light-dark(#e3e5ea, #30343c); --dim: light-dark(#667085, #98a2b3) }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2.5rem auto; max-width: 72rem; padding: 0 1.5rem }
header { display: flex; align-items: baseline; gap: 1.5rem }
h1 { font-size: 1.35rem; margin: 0 }
a { color: light-dark(#1d5fd1, #84adff); text-decoration: none }
a:hover { text-decoration: underline }
.sum, th { color: var(--dim) }
table { border-collapse: collapse; width: 100% }
th, td { padding: .5rem .75rem; text-align: left; border-bottom: 1px solid var(--line); white-space: nowrap }
th { font-weight: 500; font-size: .85rem }
.number { text-align: right; font-variant-numeric: tabular-nums }
.state::before { content: ''; display: inline-block; width: .55rem; height: .55rem; margin-right: .45rem; border-radius: 50%; background: #98a2b3 }
.state.ready::before { background: #17b26a }
.state.warming::before { background: #f79009 }
.state.draining::before { background: #2e90fa }
.fault { padding: .6rem .9rem; border-radius: .4rem; background: light-dark(#fef3f2, #55160c); color: light-dark(#b42318, #fda29b) }
`
