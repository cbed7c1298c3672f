/**
 * Replies of a real server, recorded once and played back on as many sockets as wanted. The counters of INFO go on
 * counting, so that rates are computed as on a live node.
 */
import { connect, createServer, type Server, type Socket } from 'node:net'
import { startRedis } from '../../tests/support/redis.ts'

export type RecordedNodes = { urls: string[]; stop(): Promise<void> }

const OK = Buffer.from('+OK\r\n')
const RECORDED = ['INFO everything', 'COMMAND', 'SLOWLOG GET 16', 'CLIENT INFO', 'PING']

export async function startRecordedNodes(count: number): Promise<RecordedNodes> {
  const replies = await record()
  const servers: Server[] = []
  const sockets = new Set<Socket>()
  const urls: string[] = []
  for (let index = 0; index < count; index++) {
    const server = createServer((socket) => {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.once('close', () => sockets.delete(socket))
      socket.on('data', (data) => {
        for (const name of commandsIn(data.toString('latin1'))) socket.write(answer(replies, name, index))
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    if (typeof address === 'object' && address) urls.push(`redis://127.0.0.1:${address.port}`)
    servers.push(server)
  }
  return {
    urls,
    async stop() {
      for (const socket of sockets) socket.destroy()
      await Promise.all(
        servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))),
      )
    },
  }
}

/** Requests as RESP arrays; whole ones, as the collector's small commands arrive. */
function commandsIn(text: string): string[] {
  return text
    .split(/^\*\d+\r\n/m)
    .filter((request) => request !== '')
    .map((request) => [...request.matchAll(/\$\d+\r\n([^\r]*)\r\n/g)].map((match) => match[1]).join(' '))
}

function answer(replies: Map<string, Buffer>, name: string, node: number): Buffer {
  const reply = replies.get(name) ?? OK
  if (!name.startsWith('INFO')) return reply
  // A thousand commands a second, in figures as wide as the recorded ones so that the length still holds.
  const calls = String(1_000_000_000 + Math.floor(performance.now())).padStart(10, '1')
  const text = reply
    .toString('latin1')
    .replace(/total_commands_processed:\d+/, `total_commands_processed:${calls}`)
    .replace(/run_id:[0-9a-f]+/, `run_id:${String(node).padStart(40, '0')}`)
  const body = text.slice(text.indexOf('\r\n') + 2, -2)
  return Buffer.from(`$${body.length}\r\n${body}\r\n`, 'latin1')
}

async function record(): Promise<Map<string, Buffer>> {
  const server = await startRedis()
  try {
    // Some life before it is recorded: statistics for the usual commands.
    for (const command of ['SET', 'GET', 'HSET', 'HGET', 'SADD', 'ZADD', 'EXPIRE', 'DEL', 'INCR', 'LPUSH']) {
      await server.command(command, `key:${command}`, '1', '2').catch(() => {})
    }
    const replies = new Map<string, Buffer>()
    for (const name of RECORDED) replies.set(name, await rawReply(server.port, name))
    return replies
  } finally {
    await server.stop()
  }
}

/** Everything that comes within a moment of silence: the reply as it is on the wire. */
function rawReply(port: number, command: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = []
    const socket = connect(port, '127.0.0.1', () => socket.write(`${command}\r\n`))
    socket.on('data', (data) => parts.push(Buffer.from(data as Uint8Array)))
    socket.on('error', reject)
    socket.setTimeout(200, () => {
      socket.destroy()
      resolve(Buffer.concat(parts))
    })
  })
}
