/** A TCP proxy that a test can cut, mend and slow down: a network between two processes. */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export type TcpProxy = {
  readonly port: number
  /** Connections that were asked for so far. */
  connections(): number
  /** Ends every connection and refuses new ones. */
  cut(): void
  mend(): void
  /**
   * Answers take so much longer from now on; what is on its way is not overtaken. It is lost where one of the two
   * sides closes.
   */
  slow(ms: number): void
  close(): Promise<void>
}

export async function startTcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  const sockets = new Set<Socket>()
  let connections = 0
  let isCut = false
  let slowMs = 0
  const server = createServer((inside) => {
    connections++
    if (isCut) return void inside.destroy()
    const outside = connect(target.port, target.host)
    for (const [from, to] of [
      [inside, outside],
      [outside, inside],
    ] as const) {
      sockets.add(from)
      from.on('error', () => {})
      from.once('close', () => {
        sockets.delete(from)
        to.destroy()
      })
    }
    inside.pipe(outside)
    const queue: Buffer[] = []
    let lastDue = 0
    outside.on('data', (chunk: Buffer) => {
      if (slowMs === 0 && queue.length === 0) return void inside.write(chunk)
      queue.push(chunk)
      const now = performance.now()
      lastDue = Math.max(lastDue, now + slowMs)
      // Whichever timer is the first, the oldest goes first.
      setTimeout(() => inside.write(queue.shift() ?? ''), lastDue - now)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const cut = () => {
    isCut = true
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    cut,
    mend() {
      isCut = false
    },
    slow(ms) {
      slowMs = ms
    },
    async close() {
      cut()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
