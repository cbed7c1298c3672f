/**
 * What the applications' own counts say of the keys of a cache: each instance samples its commands, their rates are
 * added, and the errors of the samples with them. Reads answered in process or by a copy are no server's load.
 */
import type { ClientHotKey, Heartbeat } from '../protocol/heartbeat.ts'
import { wilson } from './interval.ts'

export type ClientCounts = Heartbeat['hotKeys']

export type ClientKey = {
  db: number
  key: Uint8Array
  /** Of the cache's applications together, at the servers under this name. */
  opsPerSec: number
  /** 95%. */
  opsPerSecLow: number
  opsPerSecHigh: number
  readsPerSec: number
  writesPerSec: number
}
export type MergedCounts = {
  /** Hottest first. */
  keys: ClientKey[]
  /** Commands that were looked at, of all keys. */
  sampled: number
}

const Z_95 = 1.96
/** An instance tells of so many keys at most; of a full list, what is not in it may be as hot as its last. */
const LISTED = 32

/** One instance's counts, pooled: `commands` and `sampled` of its keys, over `seconds`. */
type Pool = { seconds: number; commands: number; sampled: number; unlisted: number; keys: Map<string, Uses> }
type Uses = { reads: number; writes: number }

/** @param instances of each, its heartbeats of the last seconds; those that counted nothing are passed over */
export function mergeClientCounts(instances: Iterable<readonly ClientCounts[]>): MergedCounts {
  const pools: Pool[] = []
  const ids = new Map<string, { db: number; keyBase64: string }>()
  for (const counts of instances) {
    const pool = poolOf(counts, ids)
    if (pool !== null) pools.push(pool)
  }
  const keys = [...ids].map(([id, { db, keyBase64 }]) => ({
    db,
    key: Uint8Array.from(Buffer.from(keyBase64, 'base64')),
    ...rateOf(id, pools),
  }))
  return {
    keys: keys.filter(({ opsPerSec }) => opsPerSec > 0).sort((one, other) => other.opsPerSec - one.opsPerSec),
    sampled: pools.reduce((sum, { sampled }) => sum + sampled, 0),
  }
}

function poolOf(
  all: readonly ClientCounts[],
  ids: Map<string, Pick<ClientHotKey, 'db' | 'keyBase64'>>,
): Pool | null {
  const pool: Pool = { seconds: 0, commands: 0, sampled: 0, unlisted: 0, keys: new Map() }
  for (const counts of all) {
    if (counts.windowMs <= 0 || counts.sampled <= 0) continue
    pool.seconds += counts.windowMs / 1_000
    pool.commands += counts.commands
    pool.sampled += counts.sampled
    if (counts.keys.length >= LISTED) pool.unlisted += Math.min(...counts.keys.map(totalOf))
    for (const key of counts.keys) {
      const id = `${key.db} ${key.keyBase64}`
      const uses = pool.keys.get(id) ?? { reads: 0, writes: 0 }
      uses.reads += Math.max(0, key.reads - key.elsewhere)
      uses.writes += key.writes
      pool.keys.set(id, uses)
      ids.set(id, key)
    }
  }
  return pool.seconds > 0 && pool.commands > 0 ? pool : null
}

const totalOf = ({ reads, writes }: ClientHotKey): number => reads + writes

/**
 * A stratified sample: the variances of the instances add. Their sum is that of one sample of some smaller size, and
 * Wilson's interval of that sample is the key's.
 */
function rateOf(id: string, pools: readonly Pool[]): Omit<ClientKey, 'db' | 'key'> {
  let all = 0
  let reads = 0
  let writes = 0
  let variance = 0
  let sampled = 0
  let unlisted = 0
  for (const pool of pools) {
    const perSec = pool.commands / pool.seconds
    const uses = pool.keys.get(id)
    const share = uses ? Math.min(1, (uses.reads + uses.writes) / pool.commands) : 0
    all += perSec
    sampled += pool.sampled
    reads += (uses?.reads ?? 0) / pool.seconds
    writes += (uses?.writes ?? 0) / pool.seconds
    variance += (perSec ** 2 * share * (1 - share)) / pool.sampled
    if (!uses) unlisted += pool.unlisted / pool.seconds
  }
  const opsPerSec = reads + writes
  const share = Math.min(1, opsPerSec / all)
  const effective = variance > 0 ? (share * (1 - share) * all ** 2) / variance : sampled
  const { low, high } = wilson(share, Math.max(1, effective), Z_95)
  return {
    opsPerSec,
    opsPerSecLow: Math.min(opsPerSec, low * all),
    opsPerSecHigh: Math.max(opsPerSec, high * all + unlisted),
    readsPerSec: reads,
    writesPerSec: writes,
  }
}
