/** Rows of reports as the API's hot keys. Ids count within one look: its list of nodes says what they stand for. Pure. */
import type { NodeHotPattern } from '../../core/hot-keys/merge-nodes.ts'
import { formatKey } from '../../core/key-text.ts'
import type { HotKey, Watching } from '../../core/model.ts'
import type { HotKeySample, HotPatternSample, NodeStatus } from '../../core/sample.ts'

export type LookNode = {
  nodeId: number
  /** Of its cache: the shard's ordinal, a Memcached server's place in the URL. */
  shardId: number
  cacheId: string
  address: string
  role: NodeStatus['role']
  state: NodeStatus['state']
  /** What is wrong with it; null when up. */
  message: string | null
  /** Why its hot keys are not read; null when they are. */
  refusal: string | null
  watching: Watching | null
  /** Clients' commands per second; null while unknown, and while it is not up. */
  opsPerSec: number | null
  /** Whether its hot keys were looked for at all: one burst is enough. */
  wasLookedAt: boolean
  /** Clients' commands in the newest window; null where nobody looked, and of a source that does not count them. */
  sampledCommands: number | null
}

type Place = Pick<LookNode, 'nodeId' | 'shardId'>

export function toHotKey(row: HotKeySample, { nodeId, shardId }: Place): HotKey {
  const { cacheId, db, key, at, windowFrom, sampledCommands, probedAt, address: _, ...figures } = row
  const { opsPerSec, sizeBytes } = figures
  return {
    ...figures,
    cacheId,
    shardId,
    nodeId,
    key: formatKey(key),
    keyBase64: Buffer.from(key).toString('base64'),
    db,
    bytesPerSec: opsPerSec === null || sizeBytes === null ? null : opsPerSec * sizeBytes,
    probedAt: probedAt === null ? null : iso(probedAt),
    window: { from: iso(windowFrom), to: iso(at), sampledCommands },
  }
}

export function toNodePattern(row: HotPatternSample, { nodeId }: Place): NodeHotPattern {
  const { at, windowFrom, sampledCommands, address: _, rank: _rank, ...figures } = row
  return { ...figures, nodeId, window: { from: iso(windowFrom), to: iso(at), sampledCommands } }
}

/**
 * What the shares of a report are of; without one, all commands. A replica's are mostly its primary's once more, so
 * without a report it adds nothing.
 */
export function clientRateOf(rows: readonly HotKeySample[], node: LookNode): number {
  const row = rows.find(({ share, opsPerSec }) => share !== null && share > 0 && opsPerSec !== null)
  if (row?.share && row.opsPerSec !== null) return row.opsPerSec / row.share
  return node.role === 'replica' ? 0 : (node.opsPerSec ?? 0)
}

const iso = (ms: number): string => new Date(ms).toISOString()
