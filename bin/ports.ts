/** Free TCP ports on a loopback address. */
import { createServer } from 'node:net'

const HIGHEST_PORT = 65_535

/** True when nothing listens there and we may. */
export function isPortFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)))
  })
}

/** The first port from `from` on that passes `accept`; throws when none does. */
export async function findFreePort(
  from: number,
  accept: (port: number) => Promise<boolean> = isPortFree,
): Promise<number> {
  for (let port = from; port <= HIGHEST_PORT; port++) {
    if (await accept(port)) return port
  }
  throw new Error(`No free port from ${from} on.`)
}
