/**
 * GETs at an even pace, pipelined over several connections, in a process of its own: articles by zipf 1.0, and a key on
 * top of them when the parent says so.
 * argv: port, commands per second.
 */
import { connect, type Socket } from 'node:net'

export type LoadOrder = { kind: 'heat'; key: string; perSec: number } | { kind: 'cool' }
export type LoadNews = { kind: 'ready' } | { kind: 'hot'; key: string; at: number; sentPerSec: number }

const CONNECTIONS = 20
const KEYS = 100_000
const BEAT_MS = 2
const RATE_EVERY_MS = 1_000

const [port = 0, perSec = 0] = process.argv.slice(2).map(Number)
const draw = zipf(KEYS)
const command = (key: string) => `*2\r\n$3\r\nGET\r\n$${key.length}\r\n${key}\r\n`
const articles = Array.from({ length: KEYS }, (_, index) => command(`article:${index}`))
const sockets = await Promise.all(Array.from({ length: CONNECTIONS }, open))
let hot: { text: string; key: string; perSec: number; owed: number; isTold: boolean } | null = null
let owed = 0
let at = performance.now()
let turn = 0
let sent = 0
let sentPerSec = 0
let ratedAt = at

process.on('message', (order: LoadOrder) => {
  hot =
    order.kind === 'heat'
      ? { text: command(order.key), key: order.key, perSec: order.perSec, owed: 1, isTold: false }
      : null
})
process.once('disconnect', () => process.exit())
setInterval(beat, BEAT_MS)
process.send?.({ kind: 'ready' } satisfies LoadNews)

function beat(): void {
  const now = performance.now()
  const seconds = (now - at) / 1_000
  at = now
  owed += perSec * seconds
  const batch: string[] = []
  for (; owed >= 1; owed--) batch.push(articles[draw()] ?? '')
  if (hot) {
    hot.owed += hot.perSec * seconds
    // Anywhere among the others.
    for (; hot.owed >= 1; hot.owed--) batch.splice(Math.floor(Math.random() * batch.length), 0, hot.text)
  }
  if (hot && !hot.isTold) {
    hot.isTold = true
    process.send?.({ kind: 'hot', key: hot.key, at: Date.now(), sentPerSec } satisfies LoadNews)
  }
  sent += batch.length
  if (now - ratedAt > RATE_EVERY_MS) {
    sentPerSec = Math.round((sent * 1_000) / (now - ratedAt))
    sent = 0
    ratedAt = now
  }
  sockets[turn++ % CONNECTIONS]?.write(batch.join(''), 'latin1')
}

async function open(): Promise<Socket> {
  const socket = connect({
    port,
    host: '127.0.0.1',
    noDelay: true,
    onread: { buffer: Buffer.alloc(65_536), callback: () => true },
  })
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  socket.on('error', () => process.exit(1))
  return socket
}

/** Exponent 1, by the inverse of the summed weights. */
function zipf(keys: number): () => number {
  const sums = new Float64Array(keys)
  let sum = 0
  for (let index = 0; index < keys; index++) {
    sum += 1 / (index + 1)
    sums[index] = sum
  }
  return () => {
    const wanted = Math.random() * sum
    let low = 0
    let high = keys - 1
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((sums[middle] ?? 0) < wanted) low = middle + 1
      else high = middle
    }
    return low
  }
}
