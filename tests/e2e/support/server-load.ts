/** What the servers themselves say of their load: the test's own connections, nothing of the collector's. */
import { connect } from 'node:net'
import type { RedisProcess } from '../../support/redis.ts'

/** Commands per second of each node over `ms`, by INFO commandstats. */
export async function readLoads(nodes: readonly RedisProcess[], ms: number): Promise<number[]> {
  const before = await Promise.all(nodes.map(countCalls))
  const from = performance.now()
  await new Promise((resolve) => setTimeout(resolve, ms))
  const after = await Promise.all(nodes.map(countCalls))
  const seconds = (performance.now() - from) / 1_000
  return after.map((calls, at) => (calls - (before[at] ?? 0)) / seconds)
}

export function hottestOverMean(loads: readonly number[]): number {
  const mean = loads.reduce((sum, load) => sum + load, 0) / loads.length
  return Math.max(...loads) / mean
}

async function countCalls(node: RedisProcess): Promise<number> {
  const info = String(await node.command('INFO', 'commandstats'))
  return [...info.matchAll(/^cmdstat_[^:]+:calls=(\d+)/gm)].reduce((sum, [, calls]) => sum + Number(calls), 0)
}

/** GET per second of a key at each node over `ms`, counted line by line in a MONITOR of the test's own. */
export function readKeyRates(nodes: readonly RedisProcess[], key: string, ms: number): Promise<number[]> {
  return Promise.all(nodes.map((node) => countReads(node, key, ms)))
}

function countReads({ port, host }: RedisProcess, key: string, ms: number): Promise<number> {
  const line = `] "get" "${key}"`
  return new Promise((resolve, reject) => {
    const socket = connect(port, host, () => socket.write('MONITOR\r\n'))
    let rest = ''
    let reads = 0
    let from: number | null = null
    socket.once('error', reject)
    socket.setEncoding('latin1').on('data', (text: string) => {
      const lines = (rest + text).split('\r\n')
      rest = lines.pop() ?? ''
      if (from === null) {
        from = performance.now()
        setTimeout(() => {
          socket.destroy()
          resolve(reads / ((performance.now() - (from ?? 0)) / 1_000))
        }, ms)
      }
      for (const each of lines) if (each.toLowerCase().includes(line)) reads++
    })
  })
}
