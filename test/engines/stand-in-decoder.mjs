// In a decoder's place: does what the samples, read as text, tell it to.
process.once('disconnect', () => process.exit(0))

/** What has leaked so far. */
const leaked = []

const acts = {
  leak(question, rest) {
    leaked.push(Buffer.alloc(300 * 2 ** 20, 1))
    acts.echo(question, rest)
  },
  twice(question, rest) {
    acts.echo(question, rest)
    acts.echo(question, rest)
  },
  number: (question) => process.send({ kind: 'text', id: question.id, text: 7 }),
  echo: (question, rest) => process.send({ kind: 'text', id: question.id, text: rest }),
  stale: (question) => process.send({ kind: 'text', id: question.id - 1, text: 'of before' }),
  garbage: () => process.send('}{'),
  unable: () => process.send({ kind: 'unable', message: 'on second thoughts' }),
  silence: () => {},
  exit: () => process.exit(3),
}

process.on('message', (question) => {
  const [act, rest] = Buffer.from(question.pcm).toString('utf8').trim().split(':')
  acts[act](question, rest)
})
process.send({ kind: 'ready' })
