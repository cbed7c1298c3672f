/**
 * CLUSTER SLOT-STATS: which hash slots the node's command time goes to, and, where such a slot has few keys, which
 * keys. A key's share is then at most its slot's: an upper figure.
 */
import { NodeFailure } from '../connection/failure.ts'
import { bareKey, Rung, RungRefusal } from './rung.ts'
import type { HotKeyReport, NodeFacts, ReportedKey } from './source-types.ts'

const EVERY_MS = 5_000
const SLOTS = 64
const HOT_SLOTS = 5
/** Of the command time, that a slot must have to be looked into. */
const MIN_SHARE = 0.01
/** More keys say nothing about which of them it is; with their LFU counters, so many may be told apart. */
const FEW_KEYS = 3
const MANY_KEYS = 100
const MAX_AGE_MS = 15_000

type Reading = { at: number; slots: Map<number, number>; commandUs: number }
export type SlotShare = { slot: number; cpuShare: number }
/** The counters of keys: where the node has them, the hottest key of a slot is known. */
type Frequencies = (keys: readonly Buffer[]) => Promise<(number | null)[]>

export class SlotStatsSource extends Rung {
  readonly source = 'slot-stats'
  protected readonly right = 'cluster|slot-stats'
  readonly #frequencies: Frequencies
  #previous: Reading | null = null
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
    await this.#readSlots(1)
  }

  protected async round(facts: NodeFacts): Promise<number> {
    refuseOutsideCluster(facts)
    const slots = await this.#readSlots(SLOTS)
    const info = String(await this.options.commands.call('INFO', 'commandstats'))
    const reading = { at: this.now(), slots, commandUs: commandTimeUs(info) }
    const before = this.#previous
    this.#previous = reading
    if (before === null) return EVERY_MS
    const keys: ReportedKey[] = []
    for (const hot of hotSlots(before, reading).slice(0, HOT_SLOTS)) {
      keys.push(...(await this.#keysOf(hot, facts)))
    }
    this.#keys = keys
    this.#window = { from: before.at, to: reading.at }
    this.options.onNews()
    return EVERY_MS
  }

  protected forget(): void {
    this.#previous = null
    this.#window = null
    this.#keys = []
  }

  async #readSlots(limit: number): Promise<Map<number, number>> {
    try {
      const args = ['SLOT-STATS', 'ORDERBY', 'CPU-USEC', 'LIMIT', limit, 'DESC']
      return parseSlotStats(await this.options.commands.call('CLUSTER', ...args))
    } catch (error) {
      if (error instanceof NodeFailure && /metric|ORDERBY/i.test(error.message)) {
        throw new RungRefusal(
          'refused',
          'The node does not measure the command time of its slots: CONFIG SET cluster-slot-stats-enabled yes lifts this.',
        )
      }
      throw error
    }
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

/** Only slots of both readings: of another one the reading before is not known. The hottest first. */
export function hotSlots(before: Omit<Reading, 'at'>, after: Omit<Reading, 'at'>): SlotShare[] {
  const allUs = after.commandUs - before.commandUs
  if (allUs <= 0) return []
  return [...after.slots]
    .flatMap(([slot, us]) => {
      const earlier = before.slots.get(slot)
      return earlier === undefined || us < earlier
        ? []
        : [{ slot, cpuShare: Math.min(1, (us - earlier) / allUs) }]
    })
    .filter(({ cpuShare }) => cpuShare >= MIN_SHARE)
    .sort((one, other) => other.cpuShare - one.cpuShare)
}

/** All commands' time since the start, by INFO commandstats. */
export function commandTimeUs(info: string): number {
  let sum = 0
  for (const [, us] of info.matchAll(/^cmdstat_[^:]+:.*?usec=(\d+)/gm)) sum += Number(us)
  return sum
}

function refuseOutsideCluster({ clusterEnabled }: NodeFacts): void {
  if (clusterEnabled) return
  throw new RungRefusal('unsupported', 'SLOT-STATS is of clusters: this node is in none.')
}
