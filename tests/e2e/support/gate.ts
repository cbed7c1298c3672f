/** A door in front of a server: closed, it cuts every connection and refuses new ones, as if the server had gone. */
import { connect, createServer, type Server, type Socket } from 'node:net'
import { freePort } from '../../support/redis.ts'

export type Gate = { port: number; open(): Promise<void>; close(): Promise<void> }

export async function startGate(targetPort: number): Promise<Gate> {
  const port = await freePort()
  const sockets = new Set<Socket>()
  let server: Server | null = null
  const gate: Gate = {
    port,
    open: () =>
      new Promise((resolve, reject) => {
        server = createServer((incoming) => {
          const outgoing = connect(targetPort, '127.0.0.1')
          for (const [socket, other] of [
            [incoming, outgoing],
            [outgoing, incoming],
          ] as const) {
            sockets.add(socket)
            socket.on('error', () => {})
            socket.on('close', () => {
              sockets.delete(socket)
              other.destroy()
            })
            socket.pipe(other)
          }
        })
        server.once('error', reject)
        server.listen(port, '127.0.0.1', resolve)
      }),
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy()
        if (server === null) resolve()
        else server.close(() => resolve())
      }),
  }
  await gate.open()
  return gate
}
