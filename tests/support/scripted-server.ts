/** A TCP server that plays a part: what a client sends is kept, what it gets is up to the script. */
import { createServer, type Socket } from 'node:net'

export type ScriptedServer = {
  port: number
  received(): string
  /** To each of its connections. */
  write(text: string): void
  openSockets(): number
  close(): Promise<void>
}

export async function startScriptedServer(onConnection: (socket: Socket) => void): Promise<ScriptedServer> {
  const sockets = new Set<Socket>()
  let received = ''
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1')
    })
    onConnection(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    port: address.port,
    received: () => received,
    write(text) {
      for (const socket of sockets) socket.write(text)
    },
    openSockets: () => sockets.size,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
