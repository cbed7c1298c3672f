/**
 * What the two HOTKEYS answer: Redis 8.6 with one session's figures, Valkey 9.2 with a list of keys and rates. Replies
 * as the driver gives them, of RESP2 or RESP3, with keys as bytes.
 */

export type RedisHotkeys = {
  isActive: boolean
  sampleRatio: number
  /** By the server's clock; it tells one session from another. */
  startedAt: number
  durationMs: number
  /** It also counts the bytes of keys, which ours do not. */
  countsBytes: boolean
  /** Command time of all that ran meanwhile. */
  allCommandsUs: number
  /** By command time, descending. */
  byCpuTime: { key: Uint8Array; us: number }[]
}
export type ValkeyHotkey = { key: Uint8Array; db: number; opsPerSec: number }

export type HotkeysReply =
  /** Redis without a session. */
  { kind: 'none' } | { kind: 'redis'; session: RedisHotkeys } | { kind: 'valkey'; keys: ValkeyHotkey[] }

/** @returns null for a reply of neither grammar */
export function parseHotkeysReply(reply: unknown): HotkeysReply | null {
  if (reply === null) return { kind: 'none' }
  const fields = fieldsOf(isOneMap(reply) ? reply[0] : reply)
  if (fields?.has('tracking-active')) return { kind: 'redis', session: redisSession(fields) }
  if (!Array.isArray(reply)) return null
  const keys = reply.map(valkeyKey)
  return keys.every((key) => key !== null) ? { kind: 'valkey', keys } : null
}

/** Redis 8.6 wraps its map in an array of one. */
function isOneMap(reply: unknown): reply is [unknown] {
  return Array.isArray(reply) && reply.length === 1 && typeof reply[0] === 'object'
}

function redisSession(fields: Map<string, unknown>): RedisHotkeys {
  const number = (name: string): number => Number(fields.get(name) ?? 0)
  return {
    isActive: number('tracking-active') === 1,
    sampleRatio: Math.max(1, number('sample-ratio')),
    startedAt: number('collection-start-time-unix-ms'),
    durationMs: number('collection-duration-ms'),
    countsBytes: fields.has('by-net-bytes'),
    allCommandsUs: number('all-commands-all-slots-us'),
    byCpuTime: pairsOf(fields.get('by-cpu-time-us')).map(([key, us]) => ({
      key: asBytes(key),
      us: Number(us),
    })),
  }
}

function valkeyKey(entry: unknown): ValkeyHotkey | null {
  const fields = fieldsOf(entry)
  const key = fields?.get('key')
  if (fields === null || key === undefined || !fields.has('qps')) return null
  return { key: asBytes(key), db: Number(fields.get('db') ?? 0), opsPerSec: Number(fields.get('qps')) }
}

function fieldsOf(value: unknown): Map<string, unknown> | null {
  if (typeof value !== 'object' || value === null) return null
  return new Map(pairsOf(value).map(([name, field]) => [String(name), field]))
}

/** A map, an array of pairs, or names and values in turn. */
function pairsOf(value: unknown): [unknown, unknown][] {
  if (value instanceof Map) return [...value.entries()]
  if (!Array.isArray(value)) {
    return typeof value === 'object' && value !== null ? Object.entries(value) : []
  }
  if (value.every((item) => Array.isArray(item) && item.length === 2)) return value
  const pairs: [unknown, unknown][] = []
  for (let at = 0; at + 1 < value.length; at += 2) pairs.push([value[at], value[at + 1]])
  return pairs
}

function asBytes(value: unknown): Uint8Array {
  return value instanceof Uint8Array ? Uint8Array.from(value) : Uint8Array.from(Buffer.from(String(value)))
}
