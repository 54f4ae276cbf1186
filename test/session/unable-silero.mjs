// A process of the Silero detector that finds no weights.
process.send({ kind: 'unable', message: 'no weights' }, () => process.exit(1))
