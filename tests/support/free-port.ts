/** Ports for the servers of the tests, which run beside each other. */
import { createServer } from 'node:net'

const HOST = '127.0.0.1'
const BUS_OFFSET = 10_000
/** A port is taken by who listens on it here, where no server of ours does: at once, for all processes, until its end. */
const RESERVING_HOST = '127.0.0.2'

/**
 * A port that nothing listens on, with its cluster bus port free as well, and that no other test is given while this
 * process lives. Both are below the range the kernel hands out: no connection of anybody takes it while a server restarts.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 15_000 + Math.floor(Math.random() * 7_700)
    const isOurs = (await reserve(port)) && (await isFree(port)) && (await isFree(port + BUS_OFFSET))
    if (isOurs) return port
  }
}

function reserve(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy())
    // Where there is no such address nothing is reserved, and a free port is a free port.
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'EADDRINUSE'))
    server.listen({ port, host: RESERVING_HOST, exclusive: true }, () => resolve(true))
    server.unref()
  })
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: HOST, exclusive: true }, () => server.close(() => resolve(true)))
  })
}
