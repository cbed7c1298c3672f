/**
 * One look at caches without a database: the collector's own watchers and sources, and what they bring kept as the
 * newest report of each node.
 */
import { HOT_KEY_CURRENT_MS } from '../../core/health.ts'
import { mergeHotKeys, mergeHotPatterns } from '../../core/hot-keys/merge-nodes.ts'
import type { CacheHotKey, HotPattern } from '../../core/model.ts'
import type { HotKeySample, HotPatternSample, Topology } from '../../core/sample.ts'
import { CacheWatcher } from '../cache-watcher.ts'
import type { Clock } from '../clock.ts'
import { CommandTables } from '../command-tables.ts'
import { Claims } from '../hot-keys/claims.ts'
import { createHotKeyLadder } from '../hot-keys/ladder.ts'
import type { CreateHotKeySource } from '../hot-keys/source-types.ts'
import type { Logger } from '../logger.ts'
import { Bill, type LookCost } from './bill.ts'
import { clientRateOf, type LookNode, toHotKey, toNodePattern } from './look-rows.ts'
import { MEMCACHED_CACHE, MemcachedLook } from './memcached-look.ts'
import type { Resolved, ResolvedCache } from './resolve.ts'
import { SeenNodes } from './seen.ts'

export type LookOptions = {
  resolved: Resolved
  /** Share of each node's time. */
  budget: number
  maxLatencyMs: number
  clock: Clock
  logger: Logger
}
export type LookResult = {
  /** Epoch milliseconds: the look's beginning and end. */
  from: number
  to: number
  nodes: LookNode[]
  /** Merged over the nodes of their cache, the hottest first. */
  hotKeys: CacheHotKey[]
  patterns: HotPattern[]
  cost: LookCost
}

type Watched = LookNode & { keys: HotKeySample[]; patterns: HotPatternSample[] }

/** Two readings make a rate, and without one nothing is known that a burst is planned by. */
const INTERVAL_MS = 500
const REPORT_MS = 1_000
const DRAIN_MS = 200
/** Patterns come in every third report, of which one may be missed. */
const PATTERN_CURRENT_MS = HOT_KEY_CURRENT_MS

export class Look {
  readonly #options: LookOptions
  readonly #bill: Bill
  readonly #nodes = new Map<string, Watched>()
  readonly #seen = new SeenNodes()
  readonly #watchers: CacheWatcher[]
  readonly #memcached: MemcachedLook
  readonly #from: number
  #timer: NodeJS.Timeout | null = null
  #to: number | null = null

  constructor(options: LookOptions) {
    const { resolved, clock } = options
    this.#options = options
    this.#from = clock.now()
    this.#bill = new Bill(resolved.cost, this.#from)
    const tables = new CommandTables()
    const claims = new Claims()
    this.#watchers = resolved.caches.map((cache) => this.#watcherOf(cache, tables, claims))
    this.#memcached = new MemcachedLook(resolved.memcacheds, options, this.#bill)
  }

  start(): void {
    for (const watcher of this.#watchers) watcher.start()
    this.#memcached.start()
    this.#timer = setInterval(() => this.#take(), DRAIN_MS)
  }

  /** Idempotent; resolves when no socket is left. */
  async stop(): Promise<void> {
    if (this.#timer) clearInterval(this.#timer)
    this.#timer = null
    if (this.#to === null) {
      this.#to = this.#options.clock.now()
      this.#take()
    }
    await Promise.all([...this.#watchers.map((watcher) => watcher.stop()), this.#memcached.stop()])
  }

  /** Every node has been looked at once, or cannot be. */
  get hasBegun(): boolean {
    const nodes = [...this.#nodes.values()]
    const isWaitedFor = ({ state, refusal, wasLookedAt }: Watched) =>
      !wasLookedAt && refusal === null && (state === 'up' || state === 'pending')
    return nodes.length > 0 && !nodes.some(isWaitedFor)
  }

  result(): LookResult {
    const to = this.#to ?? this.#options.clock.now()
    const nodes = [...this.#nodes.values()].sort(
      (one, other) => one.cacheId.localeCompare(other.cacheId) || one.nodeId - other.nodeId,
    )
    const isCurrent = ({ at }: { at: number }) => to - at < HOT_KEY_CURRENT_MS
    const upCaches = new Set(nodes.filter(({ state }) => state === 'up').map(({ cacheId }) => cacheId))
    // A node that is away does no commands: shares are of the others'. Of a cache that is away what was seen stays.
    const told = nodes.filter(({ state, cacheId }) => state === 'up' || !upCaches.has(cacheId))
    const rates = new Map<string, number>()
    for (const node of told) {
      const rate = clientRateOf(node.keys.filter(isCurrent), node)
      rates.set(node.cacheId, (rates.get(node.cacheId) ?? 0) + rate)
    }
    const keys = told.flatMap((node) => node.keys.filter(isCurrent).map((row) => toHotKey(row, node)))
    const patterns = told.flatMap((node) =>
      node.patterns.filter(({ at }) => to - at < PATTERN_CURRENT_MS).map((row) => toNodePattern(row, node)),
    )
    return {
      from: this.#from,
      to,
      nodes: nodes.map(({ keys: _keys, patterns: _patterns, ...node }) => node),
      hotKeys: mergeHotKeys(keys, rates),
      patterns: mergeHotPatterns(patterns, rates),
      cost: this.#bill.cost(),
    }
  }

  #watcherOf(cache: ResolvedCache, tables: CommandTables, claims: Claims): CacheWatcher {
    const { budget, maxLatencyMs, clock, logger } = this.#options
    const { cacheId, kind, seeds, credentials } = cache
    const createSource: CreateHotKeySource = (options) => {
      const source = createHotKeyLadder(options)
      this.#bill.add(source, options.commands)
      return this.#seen.follow(`${cacheId} ${options.commands.place.address}`, source)
    }
    return new CacheWatcher({
      cache: {
        cacheId,
        kind,
        seeds,
        username: credentials.username,
        password: credentials.password,
        tls: null,
        intervalMs: INTERVAL_MS,
        hotKeys: { enabled: true, budget, maxLatencyMs, nodes: new Map() },
        sentinel: null,
        mitigations: { enabled: false, username: null, password: null, proofWindowMs: 60_000 },
      },
      credentials,
      previous: null,
      onTopology: (topology) => this.#place(topology),
      hotKeyPause: () => null,
      createHotKeySource: createSource,
      claims,
      reportEveryMs: REPORT_MS,
      tables,
      clock,
      logger,
    })
  }

  #place({ cacheId, shards }: Topology): void {
    const addresses = new Set<string>()
    for (const { ordinal, nodes } of shards) {
      for (const { address, role } of nodes) {
        addresses.add(address)
        const node = this.#nodeAt(cacheId, address)
        node.shardId = ordinal
        node.role = role
      }
    }
    for (const [id, node] of this.#nodes) {
      if (node.cacheId === cacheId && !addresses.has(node.address)) this.#nodes.delete(id)
    }
  }

  #nodeAt(cacheId: string, address: string): Watched {
    const id = `${cacheId} ${address}`
    const known = this.#nodes.get(id)
    if (known) return known
    const nodeId = Math.max(0, ...[...this.#nodes.values()].map((one) => one.nodeId)) + 1
    const node: Watched = {
      ...{ nodeId, shardId: 1, cacheId, address, role: null, state: 'pending', message: null, refusal: null },
      ...{ watching: null, opsPerSec: null, wasLookedAt: false, sampledCommands: null },
      ...{ keys: [], patterns: [] },
    }
    this.#nodes.set(id, node)
    return node
  }

  #take(): void {
    const ticks = this.#watchers.map((watcher) => watcher.drain())
    for (const tick of ticks) {
      for (const { cacheId, address, state, message, role, hotKeysRefusal, watching } of tick.statuses) {
        const node = this.#nodes.get(`${cacheId} ${address}`)
        const told = { state, message, role: role ?? node?.role ?? null, refusal: hotKeysRefusal, watching }
        if (node) Object.assign(node, told, state !== 'up' && { opsPerSec: null })
      }
      for (const { cacheId, address, at, metrics } of tick.samples) {
        const node = this.#nodes.get(`${cacheId} ${address}`)
        if (!node) continue
        if (node.state === 'up') node.opsPerSec = metrics.opsPerSec
        this.#bill.noteShare(`${cacheId} ${address}`, at, metrics.ownCpuShare, node.watching)
      }
      this.#keep(tick.hotKeys, 'keys')
      this.#keep(tick.hotPatterns, 'patterns')
    }
    for (const [id, node] of this.#nodes) Object.assign(node, this.#seen.read(id))
    const now = this.#options.clock.now()
    for (const { address, shardId, ...told } of this.#memcached.read(now)) {
      Object.assign(this.#nodeAt(MEMCACHED_CACHE, address), told, { shardId })
      const { watching, state } = told
      const share = watching?.predictedShare ?? null
      if (state === 'up' && share !== null) {
        this.#bill.noteShare(`${MEMCACHED_CACHE} ${address}`, now, share, watching)
      }
    }
  }

  /** Of each node the newest report alone. */
  #keep(rows: HotKeySample[], list: 'keys'): void
  #keep(rows: HotPatternSample[], list: 'patterns'): void
  #keep(rows: (HotKeySample | HotPatternSample)[], list: 'keys' | 'patterns'): void {
    const byNode = Map.groupBy(rows, ({ cacheId, address }) => `${cacheId} ${address}`)
    for (const [id, group] of byNode) {
      const newest = Math.max(...group.map(({ at }) => at))
      const node = this.#nodes.get(id)
      if (node) Object.assign(node, { [list]: group.filter(({ at }) => at === newest) })
    }
  }
}
