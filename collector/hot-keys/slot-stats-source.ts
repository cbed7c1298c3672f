/**
 * CLUSTER SLOT-STATS: which hash slots the node's command time goes to, and, where such a slot has few keys, which
 * keys. A key's share is then at most its slot's: an upper figure.
 */
import { NodeFailure } from '../connection/failure.ts'
import { bareKey, Rung, RungRefusal } from './rung.ts'
import { SlotLedger, type SlotShare } from './slot-ledger.ts'
import type { HotKeyReport, NodeFacts, ReportedKey } from './source-types.ts'

const EVERY_MS = 5_000
/** The highest totals since the server's start: what has long been hot is in the first two readings. */
const HIGHEST_SLOTS = 64
/** And some of all slots, the next ones each time, or a slot that becomes hot on an old server would wait for weeks. */
const RANGE_SLOTS = 512
const ALL_SLOTS = 16_384
const HOT_SLOTS = 5
/** More keys say nothing about which of them it is; with their LFU counters, so many may be told apart. */
const FEW_KEYS = 3
const MANY_KEYS = 100
const MAX_AGE_MS = 15_000

/** The counters of keys: where the node has them, the hottest key of a slot is known. */
type Frequencies = (keys: readonly Buffer[]) => Promise<(number | null)[]>

export class SlotStatsSource extends Rung {
  readonly source = 'slot-stats'
  protected readonly right = 'cluster|slot-stats'
  readonly #frequencies: Frequencies
  readonly #ledger = new SlotLedger()
  #rangeFrom = 0
  #hot: number[] = []
  #window: { from: number; to: number } | null = null
  #keys: ReportedKey[] = []

  constructor(options: ConstructorParameters<typeof Rung>[0], frequencies: Frequencies) {
    super(options)
    this.#frequencies = frequencies
  }

  report(now: number): HotKeyReport | null {
    const window = this.#window
    if (window === null || now - window.to > MAX_AGE_MS) return null
    return {
      source: 'slot-stats',
      windowFrom: window.from,
      windowTo: window.to,
      sampledCommands: null,
      keys: this.#keys,
      patterns: [],
    }
  }

  protected async probe(facts: NodeFacts): Promise<void> {
    refuseOutsideCluster(facts)
    await this.#readSlots('ORDERBY', 'CPU-USEC', 'LIMIT', 1, 'DESC')
  }

  protected async round(facts: NodeFacts): Promise<number> {
    refuseOutsideCluster(facts)
    const slots = await this.#readSlots('ORDERBY', 'CPU-USEC', 'LIMIT', HIGHEST_SLOTS, 'DESC')
    for (const [slot, us] of await this.#readRange()) slots.set(slot, us)
    // What was hot is read every time: its figures are of the last seconds, and it ends when it does.
    for (const slot of this.#hot.filter((each) => !slots.has(each))) {
      for (const [each, us] of await this.#readSlots('SLOTSRANGE', slot, slot)) slots.set(each, us)
    }
    const info = String(await this.options.commands.call('INFO', 'commandstats'))
    const now = this.now()
    const hot = this.#ledger.note(slots, commandTimeUs(info), now).slice(0, HOT_SLOTS)
    this.#hot = hot.map(({ slot }) => slot)
    if (!this.#ledger.hasCompared) return EVERY_MS
    const keys: ReportedKey[] = []
    for (const each of hot) keys.push(...(await this.#keysOf(each, facts)))
    this.#keys = keys
    this.#window = { from: Math.min(now - EVERY_MS, ...hot.map(({ from }) => from)), to: now }
    this.options.onNews()
    return EVERY_MS
  }

  protected forget(): void {
    this.#ledger.forget()
    this.#hot = []
    this.#window = null
    this.#keys = []
  }

  /** The next of the node's slots. It may have few of them: what is another's is passed over, an answer being empty. */
  async #readRange(): Promise<Map<number, number>> {
    for (let turn = 0; turn < ALL_SLOTS / RANGE_SLOTS; turn++) {
      const from = this.#rangeFrom
      this.#rangeFrom = (from + RANGE_SLOTS) % ALL_SLOTS
      const slots = await this.#readSlots('SLOTSRANGE', from, from + RANGE_SLOTS - 1)
      if (slots.size > 0) return slots
    }
    return new Map()
  }

  async #readSlots(...selection: (string | number)[]): Promise<Map<number, number>> {
    try {
      return parseSlotStats(await this.options.commands.call('CLUSTER', 'SLOT-STATS', ...selection))
    } catch (error) {
      if (error instanceof NodeFailure && /metric|ORDERBY/i.test(error.message)) {
        throw new RungRefusal(
          'refused',
          `The node does not measure the command time of its slots: ${this.#remedy()}`,
        )
      }
      throw error
    }
  }

  /** On Redis 8.6 "yes" means the memory of slots too, which cannot be switched on while the server runs. */
  #remedy(): string {
    const set = 'CONFIG SET cluster-slot-stats-enabled'
    if (this.options.nodeFacts().engine === 'valkey') return `${set} yes lifts this.`
    return `${set} cpu lifts this; before Redis 8.6, ${set} yes.`
  }

  async #keysOf({ slot, cpuShare }: SlotShare, facts: NodeFacts): Promise<ReportedKey[]> {
    const { commands } = this.options
    const count = Number(await commands.call('CLUSTER', 'COUNTKEYSINSLOT', slot))
    const hasCounters = facts.maxMemoryPolicy?.endsWith('-lfu') ?? false
    if (count === 0 || count > (hasCounters ? MANY_KEYS : FEW_KEYS)) return []
    const reply = await commands.callBuffer('CLUSTER', 'GETKEYSINSLOT', slot, MANY_KEYS)
    const keys = Array.isArray(reply) ? reply.filter((key): key is Buffer => Buffer.isBuffer(key)) : []
    if (!hasCounters) return keys.map((key) => ({ ...bareKey(0, Uint8Array.from(key)), cpuShare }))
    const counters = await this.#frequencies(keys)
    const highest = Math.max(...counters.map((counter) => counter ?? 0))
    return keys
      .map((key, index) => ({ key, lfuCounter: counters[index] ?? null }))
      .filter(({ lfuCounter }) => lfuCounter === highest)
      .slice(0, FEW_KEYS)
      .map(({ key, lfuCounter }) => ({ ...bareKey(0, Uint8Array.from(key)), cpuShare, lfuCounter }))
  }
}

/** @returns command time in microseconds by slot. @throws Error for what is no reply of SLOT-STATS */
export function parseSlotStats(reply: unknown): Map<number, number> {
  if (!Array.isArray(reply)) throw new Error('CLUSTER SLOT-STATS did not answer with a list')
  const slots = new Map<number, number>()
  for (const entry of reply) {
    const [slot, stats] = Array.isArray(entry) ? entry : []
    const us = fieldOf(stats, 'cpu-usec')
    if (typeof slot === 'number' && us !== null) slots.set(slot, us)
  }
  return slots
}

function fieldOf(stats: unknown, name: string): number | null {
  if (stats instanceof Map) return Number(stats.get(name) ?? null)
  if (!Array.isArray(stats)) return null
  const at = stats.findIndex((item, index) => index % 2 === 0 && String(item).toLowerCase() === name)
  return at < 0 ? null : Number(stats[at + 1])
}

/**
 * All commands' time since the start, by INFO commandstats. EXEC's is its commands' once more. A script's holds that of
 * its commands too, but most of it is its own (1,000 GETs of one EVAL: four fifths), which a slot's time holds as well.
 */
export function commandTimeUs(info: string): number {
  let sum = 0
  for (const [, us] of info.matchAll(/^cmdstat_(?!exec:)[^:]+:.*?usec=(\d+)/gm)) sum += Number(us)
  return sum
}

function refuseOutsideCluster({ clusterEnabled }: NodeFacts): void {
  if (clusterEnabled) return
  throw new RungRefusal('unsupported', 'SLOT-STATS is of clusters: this node is in none.')
}
