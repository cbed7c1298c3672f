/** The JSON that save_tick() reads: natural keys once, in `nodes` and `keys`, and rows that name them by position. */
import type { HotKeySample, Tick } from '../core/sample.ts'

/** A notification holds at most 8000 bytes. */
const CACHES_PER_NOTICE = 100

type OfNode = { cacheId: string; address: string }
type EncodedKey = { cacheId: string; db: number; bytes: string; firstAt: number; lastAt: number }

/** Positions are 1-based, as in SQL. */
class NodePositions {
  readonly names: [string, string][] = []
  readonly #positions = new Map<string, number>()

  of({ cacheId, address }: OfNode): number {
    const name = `${cacheId} ${address}`
    const known = this.#positions.get(name)
    if (known !== undefined) return known
    const position = this.names.push([cacheId, address])
    this.#positions.set(name, position)
    return position
  }
}

class KeyPositions {
  readonly keys: EncodedKey[] = []
  readonly #positions = new Map<string, number>()

  of(cacheId: string, db: number, key: Uint8Array, at: number): number {
    const bytes = Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('base64')
    const name = `${cacheId} ${db} ${bytes}`
    const position = this.#positions.get(name)
    const known = position === undefined ? undefined : this.keys[position - 1]
    if (position !== undefined && known !== undefined) {
      known.firstAt = Math.min(known.firstAt, at)
      known.lastAt = Math.max(known.lastAt, at)
      return position
    }
    const added = this.keys.push({ cacheId, db, bytes, firstAt: at, lastAt: at })
    this.#positions.set(name, added)
    return added
  }
}

export function encodeTick(tick: Tick): string {
  const nodes = new NodePositions()
  const keys = new KeyPositions()
  const reading = (row: OfNode & { at: number }) => `${nodes.of(row)} ${row.at}`
  const down = new Set(tick.statuses.filter((status) => status.state !== 'up').map(reading))
  const samples = tick.samples
    // Figures of a node that is not up are a gap, not a reading.
    .filter((sample) => !down.has(reading(sample)))
    .map(({ metrics, at, ...node }) => ({ node: nodes.of(node), at, ...metrics }))
  const sampledAt = new Map<number, number>()
  for (const { node, at } of samples) sampledAt.set(node, Math.max(at, sampledAt.get(node) ?? at))
  const statuses = newestFirst(tick.statuses).map((status) => {
    const node = nodes.of(status)
    return { ...withoutName(status), node, sampledAt: sampledAt.get(node) ?? null }
  })
  const commands = tick.commands.map((row) => ({ ...withoutName(row), node: nodes.of(row) }))
  const keyspaces = tick.keyspaces.map((row) => ({ ...withoutName(row), node: nodes.of(row) }))
  const hotKeys = tick.hotKeys.map((row) => encodeHotKey(row, nodes, keys))
  const hotPatterns = tick.hotPatterns.map((row) => ({ ...withoutName(row), node: nodes.of(row) }))
  const slowlog = tick.slowlog.map((row) => ({
    ...withoutName(row),
    node: nodes.of(row),
    // A slow log does not say which database: 0 is where nearly all keys live.
    keys: row.keys.map((key) => keys.of(row.cacheId, 0, key, row.at)),
  }))
  const events = tick.events.map(({ address, ...row }) => ({
    ...row,
    node: address === null ? null : nodes.of({ cacheId: row.cacheId, address }),
  }))
  const infos = tick.infos.map((row) => ({ ...withoutName(row), node: nodes.of(row) }))
  const encoded = {
    nodes: nodes.names,
    keys: keys.keys,
    samples,
    statuses,
    commands,
    keyspaces,
    hotKeys,
    hotPatterns,
    slowlog,
    events,
    infos,
    earliestAt: earliest([samples, commands, keyspaces, hotKeys]),
    notices: notices(tick),
  }
  return JSON.stringify(encoded, storableText)
}

function encodeHotKey(row: HotKeySample, nodes: NodePositions, keys: KeyPositions) {
  const { key, db, ...rest } = withoutName(row)
  return { ...rest, node: nodes.of(row), key: keys.of(row.cacheId, db, key, row.at) }
}

function withoutName<T extends OfNode>(row: T): Omit<T, 'cacheId' | 'address'> {
  const { cacheId: _cacheId, address: _address, ...rest } = row
  return rest
}

/** One status a node, the newest: an UPDATE applies only one of several. */
function newestFirst(statuses: Tick['statuses']): Tick['statuses'] {
  const newest = new Map<string, Tick['statuses'][number]>()
  for (const status of statuses) {
    const name = `${status.cacheId} ${status.address}`
    if ((newest.get(name)?.at ?? -1) < status.at) newest.set(name, status)
  }
  return [...newest.values()]
}

function earliest(lists: { at: number }[][]): number | null {
  let at = Number.POSITIVE_INFINITY
  for (const list of lists) for (const row of list) at = Math.min(at, row.at)
  return Number.isFinite(at) ? at : null
}

function notices(tick: Tick): string[] {
  const cacheIds = [...new Set([...tick.statuses, ...tick.samples, ...tick.events].map((row) => row.cacheId))]
  const chunks: string[] = []
  for (let from = 0; from < cacheIds.length; from += CACHES_PER_NOTICE) {
    chunks.push(JSON.stringify({ cacheIds: cacheIds.slice(from, from + CACHES_PER_NOTICE) }))
  }
  return chunks
}

/** Text in Postgres has no NUL and no lone surrogate. */
function storableText(_name: string, value: unknown): unknown {
  if (typeof value !== 'string') return value
  const text = value.includes('\0') ? value.replaceAll('\0', '\uFFFD') : value
  return text.isWellFormed() ? text : text.toWellFormed()
}
