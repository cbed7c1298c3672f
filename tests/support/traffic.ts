/** Steady traffic of a known distribution on one connection, from this process. */
import { connect } from 'node:net'
import { encodeCommand } from '../../collector/monitor/resp.ts'

const TICK_MS = 5

export type Traffic = { sent(): number; stop(): Promise<void> }

/** @param next the words of the next command */
export async function startTraffic(
  port: number,
  opsPerSec: number,
  next: () => (string | Uint8Array)[],
): Promise<Traffic> {
  const socket = connect(port, '127.0.0.1')
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  socket.on('error', () => {})
  socket.resume()
  const startedAt = performance.now()
  let sent = 0
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startedAt) / 1_000) * opsPerSec)
    const batch: Buffer[] = []
    for (; sent < due; sent++) batch.push(encodeCommand(...next()))
    if (batch.length > 0) socket.write(Buffer.concat(batch))
  }, TICK_MS)
  return {
    sent: () => sent,
    async stop() {
      clearInterval(timer)
      if (socket.destroyed) return
      const closed = new Promise((resolve) => socket.once('close', resolve))
      socket.destroy()
      await closed
    },
  }
}
