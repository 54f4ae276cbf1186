import { expect, test, type Rooms } from './rooms.ts'

async function placed(rooms: Rooms) {
  const session = await rooms.begin()
  const life = await rooms.ready('a')
  const { n } = await rooms.place(session, 0)
  return { life, attempt: { session, index: 0, n, ...life } }
}

test('a child on a live node under the current attempt may stay, asked once or again', async ({
  rooms,
}) => {
  const { attempt } = await placed(rooms)
  expect(await rooms.routing.confirmAttempt(attempt)).toBe('confirmed')
  expect(await rooms.routing.confirmAttempt(attempt)).toBe('confirmed')
})

test('a child on a node that left, drains or began another life is fenced', async ({ rooms }) => {
  const { life, attempt } = await placed(rooms)
  await rooms.beat(life, 'draining')
  expect(await rooms.routing.confirmAttempt(attempt)).toBe('fenced')
  await rooms.fleet.leaveFleet(life)
  expect(await rooms.routing.confirmAttempt(attempt)).toBe('fenced')
  await rooms.ready('a')
  expect(await rooms.routing.confirmAttempt(attempt)).toBe('fenced')
})

test('a child on a node whose lease ran out is fenced', async ({ rooms }) => {
  const { attempt } = await placed(rooms)
  rooms.alive.clear()
  await rooms.pass(2000)
  expect(await rooms.routing.confirmAttempt(attempt)).toBe('fenced')
})

test('a child of an attempt that has ended, or of none, is superseded', async ({ rooms }) => {
  const { attempt } = await placed(rooms)
  await rooms.ready('b')
  const { n, node, incarnation } = await rooms.place(attempt.session, 0, { ended: 1 })
  expect(await rooms.routing.confirmAttempt(attempt)).toBe('superseded')
  expect(await rooms.routing.confirmAttempt({ ...attempt, index: 7 })).toBe('superseded')
  const current = { session: attempt.session, index: 0, n, node, incarnation }
  expect(await rooms.routing.confirmAttempt(current)).toBe('confirmed')
  await rooms.settle(attempt.session, 0, n)
  expect(await rooms.routing.confirmAttempt(current)).toBe('superseded')
})
