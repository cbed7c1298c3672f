/**
 * A recorded MONITOR stream, served over loopback from a process of its own to whoever sends MONITOR; every other
 * command is answered with OK. Told the file by its first argument, it tells its port.
 */
import { readFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'

const WRITE_BYTES = 256 * 1024
/** ioredis fails when lines come in one chunk with the OK to MONITOR. */
const PAUSE_MS = 20
const OK = '+OK\r\n'

const stream = readFileSync(process.argv[2] ?? '')
const server = createServer({ noDelay: true }, (socket) => {
  let request = ''
  socket.on('error', () => socket.destroy())
  socket.on('data', (data) => {
    request += data.toString('latin1')
    for (let command = takeCommand(); command !== null; command = takeCommand()) {
      socket.write(OK)
      if (command.toLowerCase() === 'monitor') setTimeout(() => replay(socket, 0), PAUSE_MS)
    }
  })

  /** The name of the next whole command; null when there is none. */
  function takeCommand(): string | null {
    if (!request.startsWith('*')) {
      const end = request.indexOf('\n')
      if (end < 0) return null
      const line = request.slice(0, end).trim()
      request = request.slice(end + 1)
      return line
    }
    let at = request.indexOf('\r\n')
    const count = Number(request.slice(1, at))
    let name: string | null = null
    for (let word = 0; word < count; word++) {
      const from = request.indexOf('\r\n', at + 2)
      if (at < 0 || from < 0) return null
      const length = Number(request.slice(at + 3, from))
      name ??= request.slice(from + 2, from + 2 + length)
      at = from + 2 + length
    }
    if (at < 0 || request.length < at + 2) return null
    request = request.slice(at + 2)
    return name
  }
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (typeof address === 'object' && address) process.send?.(address.port)
})
process.once('disconnect', () => process.exit())

function replay(socket: Socket, from: number): void {
  if (socket.destroyed) return
  if (from >= stream.length) {
    socket.end()
    return
  }
  const to = Math.min(stream.length, from + WRITE_BYTES)
  socket.write(stream.subarray(from, to), () => replay(socket, to))
}
