/** What `redis-cli --hotkeys` says of a stream that a real server with an LFU policy has answered. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { startRedis } from '../../tests/support/redis.ts'

const BATCH = 10_000

/** @returns the keys that it names, at most 16, the hottest first */
export async function askHotkeys(events: readonly string[]): Promise<string[]> {
  const server = await startRedis({
    settings: { 'maxmemory-policy': 'allkeys-lfu', maxmemory: '2gb', save: '' },
  })
  try {
    // What does not exist has no counter.
    await pipe(server.port, [...new Set(events)], (key) => ['SET', key, 'v'])
    await pipe(server.port, events, (key) => ['GET', key])
    const { stdout } = await promisify(execFile)('redis-cli', ['-p', String(server.port), '--hotkeys'], {
      maxBuffer: 64 * 1024 * 1024,
    })
    const found = [...stdout.matchAll(/^hot key found with counter: \d+\s+keyname: "?(.+?)"?$/gm)]
    if (found.length === 0) throw new Error('redis-cli --hotkeys named no key')
    return found.map(([, key]) => key ?? '')
  } finally {
    await server.stop()
  }
}

async function pipe(
  port: number,
  keys: readonly string[],
  command: (key: string) => string[],
): Promise<void> {
  const child = spawn('redis-cli', ['-p', String(port), '--pipe'], { stdio: ['pipe', 'ignore', 'inherit'] })
  const exit = once(child, 'exit')
  for (let from = 0; from < keys.length; from += BATCH) {
    const text = keys
      .slice(from, from + BATCH)
      .map((key) => toResp(command(key)))
      .join('')
    if (!child.stdin.write(text)) await once(child.stdin, 'drain')
  }
  child.stdin.end()
  const [code] = await exit
  if (code !== 0) throw new Error(`redis-cli --pipe ended with ${code}`)
}

function toResp(parts: readonly string[]): string {
  return `*${parts.length}\r\n${parts.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`).join('')}`
}
