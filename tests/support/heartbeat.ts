/** A heartbeat as an application would send it. */
import type { Heartbeat } from '../../core/protocol/heartbeat.ts'

/** Reads, of them those that no server got under this name, and writes. */
type Uses = readonly [reads: number, elsewhere: number, writes: number]

/** @param of `sampled` is all commands where it is left out, these the sum of the keys' */
export function clientCounts(
  keys: Record<string, Uses>,
  of: { windowMs?: number; commands?: number; sampled?: number } = {},
): Heartbeat['hotKeys'] {
  const listed = Object.entries(keys).map(([key, [reads, elsewhere, writes]]) => ({
    db: 0,
    keyBase64: Buffer.from(key).toString('base64'),
    reads,
    elsewhere,
    writes,
  }))
  const commands = of.commands ?? listed.reduce((sum, { reads, writes }) => sum + reads + writes, 0)
  return { windowMs: of.windowMs ?? 5_000, commands, sampled: of.sampled ?? commands, keys: listed }
}

export function heartbeatOf(instanceId: string, at: number, hotKeys: Heartbeat['hotKeys']): Heartbeat {
  return {
    v: 1,
    app: 'shop',
    instanceId,
    host: 'web-1',
    pid: 1,
    library: '@cachescope/client 0.1.0',
    startedAt: at - 60_000,
    at,
    rev: 0,
    state: 'passing',
    policies: [],
    errors: 0,
    connections: [],
    hotKeys,
  }
}
