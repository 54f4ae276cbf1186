import { createServer, connect, type AddressInfo, type Socket } from 'node:net'

interface Pair {
  readonly client: Socket
  readonly gateway: Socket
}

/** Stands between clients and one gateway, whose address may change behind it. */
export interface Proxy {
  readonly url: string
  /** Where connections go from now on; undefined refuses them. */
  lead(url: string | undefined): void
  /** Cuts this share of its connections; both sides see it. */
  cut(isHit: () => boolean): void
  /** From now on these connections carry nothing, and neither side is told. */
  deafen(isHit: () => boolean): void
  stop(): Promise<void>
}

export async function startProxy(): Promise<Proxy> {
  const pairs = new Set<Pair>()
  let port: number | undefined
  const server = createServer((client) => {
    if (port === undefined) {
      client.destroy()
      return
    }
    const gateway = connect(port, '127.0.0.1')
    const pair = { client, gateway }
    pairs.add(pair)
    const end = (): void => {
      pairs.delete(pair)
      client.destroy()
      gateway.destroy()
    }
    for (const [from, to] of [
      [client, gateway],
      [gateway, client],
    ] as const) {
      from.setNoDelay(true)
      from.on('error', end)
      from.on('close', end)
      from.pipe(to)
    }
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => resolve()))
  const bound = server.address() as AddressInfo
  const hit = (isHit: () => boolean): Pair[] => [...pairs].filter(() => isHit())
  return {
    url: `http://127.0.0.1:${bound.port}`,
    lead(url) {
      port = url === undefined ? undefined : Number(new URL(url).port)
    },
    cut(isHit) {
      for (const { client, gateway } of hit(isHit)) {
        client.destroy()
        gateway.destroy()
      }
    },
    deafen(isHit) {
      for (const { client, gateway } of hit(isHit)) {
        client.unpipe(gateway).pause()
        gateway.unpipe(client).pause()
      }
    },
    async stop() {
      for (const { client, gateway } of pairs) {
        client.destroy()
        gateway.destroy()
      }
      await new Promise<void>((resolve) => void server.close(() => resolve()))
    },
  }
}
