/**
 * All that mitigations need of one cache while this collector has its lease: their runners, and beside them what
 * applications say and are told (participants.ts). Nothing of it is sent while the lease is in doubt.
 */
import type { CacheConfig } from '../../core/config.ts'
import { proofWindowMs } from '../../core/mitigations/proof-limits.ts'
import type { Heartbeat } from '../../core/protocol/heartbeat.ts'
import type { NodeAddress, Topology } from '../../core/sample.ts'
import type { WaitFigures } from '../../core/waits.ts'
import type { Store } from '../../store/client.ts'
import type { RunningMitigation } from '../../store/mitigation-progress.ts'
import type { Clock } from '../clock.ts'
import type { Credentials } from '../connection/node-connection.ts'
import type { Logger } from '../logger.ts'
import type { NodeReading } from '../reading.ts'
import type { ActionContext, Checkpoint } from './action.ts'
import { ActionNodes, type OnCommand } from './action-nodes.ts'
import { ownerOf } from './actions/environment.ts'
import { type Actions, createActions } from './actions/registry.ts'
import { Attempts } from './attempts.ts'
import { Halted } from './halted.ts'
import { Journal } from './journal.ts'
import { KnownPlaces } from './known-places.ts'
import type { NodeBill } from './node-bill.ts'
import { Participants } from './participants.ts'
import { type ProveOptions, Prover, proveAndWrite } from './prover.ts'
import { Runner } from './runner.ts'
import { SlotMap } from './slot-map.ts'

export type CacheMitigationsOptions = {
  store: Store
  collectorId: string
  cache: CacheConfig
  credentialsOf(address: NodeAddress): Credentials
  /** null while nobody has answered. */
  topology(): Topology | null
  rediscover(): void
  reading(address: NodeAddress): NodeReading | null
  lagSeconds(address: NodeAddress): number | null
  /** Whether no other collector can have the cache now. */
  isHeld(): boolean
  /** Each as it is seen for the first time. */
  onHeartbeat?(heartbeat: Heartbeat, seenAt: number): void
  /** How long the applications' reads of a key took between the two, epoch milliseconds; null where none tells. */
  waitsBetween?(key: { db: number; keyBase64: string }, from: number, to: number): WaitFigures | null
  /** A phase was left: it should be looked at again at once. */
  onProgress(): void
  checkpoint?: Checkpoint
  clock: Clock
  logger: Logger
}

type Kept = { runner: Runner; journal: Journal }

export class CacheMitigations {
  readonly #options: CacheMitigationsOptions
  readonly #nodes: ActionNodes
  readonly #actions: Actions
  readonly #attempts: Attempts
  readonly #participants: Participants
  readonly #known: KnownPlaces
  readonly #kept = new Map<number, Kept>()
  /** What is let go and has not ended: nobody else begins with the same meanwhile. */
  readonly #leaving = new Map<number, Promise<void>>()
  #leftAt = Number.NEGATIVE_INFINITY
  #controller = new AbortController()
  #rows: readonly RunningMitigation[] = []
  #beat: Promise<void> | null = null
  #stopped = false

  constructor(options: CacheMitigationsOptions) {
    this.#options = options
    const { store, cache, clock, logger, reading, onHeartbeat } = options
    const nodes = new ActionNodes(options.credentialsOf, () => this.#isHeld)
    const slots = new SlotMap(options.topology, options.rediscover)
    const attempts = new Attempts(cache.cacheId, logger)
    const onCommand = this.#onCommand(0)
    this.#nodes = nodes
    this.#actions = createActions({ nodes, slots, clock, logger, onCommand: (id) => this.#onCommand(id) })
    this.#attempts = attempts
    this.#known = new KnownPlaces(store, cache.cacheId)
    const mirrorStatus = (mitigationId: number) => this.#actions.key.mirrorStatus(mitigationId)
    this.#participants = new Participants({
      ...{ store, cache, nodes, slots, clock, attempts, reading, mirrorStatus, onCommand, onHeartbeat },
    })
  }

  /** What it has cost the node. */
  billOf(address: NodeAddress): NodeBill {
    return this.#nodes.billOf(address)
  }

  get isBusy(): boolean {
    return this.#kept.size > 0 || this.#leaving.size > 0
  }

  /**
   * What runs, as the store has it. Every runner takes a turn; none waits for another.
   * @param found where mitigations are switched off for the cache, what is left of them is drained
   * @param rev the highest of all mitigations of the cache
   * @param readAt when the store was asked, by the monotonic clock
   */
  update(found: readonly RunningMitigation[], rev: number, readAt: number): void {
    if (this.#stopped || !this.#checkLease()) return
    const rows = this.#options.cache.mitigations.enabled ? found : found.map(switchedOff)
    this.#rows = rows
    // Who took part in the last one says nothing of who is there for the next.
    if (rows.length === 0) this.#participants.forget()
    if (!this.#options.cache.mitigations.enabled && rows.length === 0 && !this.isBusy) return
    const running = new Set(rows.map(({ mitigationId }) => mitigationId))
    for (const [mitigationId, kept] of this.#kept) {
      if (!running.has(mitigationId)) this.#letGo(mitigationId, kept)
    }
    const topology = this.#options.topology()
    if (topology === null) return
    for (const row of rows) {
      // A turn may have come upon a doubt about the lease.
      if (this.#controller.signal.aborted) return
      if (this.#leaving.has(row.mitigationId) || !this.#known.isKnown) continue
      // What was read before the last one left may be behind what it has written.
      const kept = this.#kept.get(row.mitigationId) ?? (readAt > this.#leftAt ? this.#keep(row) : null)
      if (kept === null || kept.runner.isBusy) continue
      kept.journal.take(row, readAt)
      void kept.runner.turn().then((hasGone) => hasGone && this.#options.onProgress())
    }
    this.#beat ??= this.#round(rows, rev, topology).finally(() => {
      this.#beat = null
    })
  }

  /** To be called often: what was begun is dropped when the lease is in doubt. @returns whether it is held */
  #checkLease(): boolean {
    if (!this.#options.isHeld()) {
      this.#doubt()
      return false
    }
    if (this.#controller.signal.aborted) this.#controller = new AbortController()
    return true
  }

  checkLease(): void {
    this.#checkLease()
  }

  /** Lets go of sockets and timers, changes nothing. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#controller.abort()
    for (const [mitigationId, kept] of this.#kept) this.#letGo(mitigationId, kept)
    await Promise.all(this.#leaving.values())
    this.#nodes.close()
    await this.#beat?.catch(() => {})
    this.#nodes.close()
  }

  get #isHeld(): boolean {
    return this.#isHeldIn(this.#controller.signal)
  }

  /** However short a doubt was: another may have had the cache in it, and what was begun before it ends. */
  #isHeldIn(epoch: AbortSignal): boolean {
    if (this.#stopped || epoch.aborted) return false
    if (this.#options.isHeld()) return true
    this.#doubt()
    return false
  }

  #doubt(): void {
    if (this.#controller.signal.aborted) return
    this.#controller.abort()
    this.#participants.doubt()
    this.#nodes.close()
    for (const [mitigationId, kept] of this.#kept) this.#letGo(mitigationId, kept)
  }

  #letGo(mitigationId: number, kept: Kept): void {
    this.#kept.delete(mitigationId)
    this.#participants.unwatch(mitigationId)
    const leave = async () => {
      await kept.runner.stop().catch(() => {})
      this.#nodes.closeOf(ownerOf(mitigationId))
    }
    this.#leaving.set(
      mitigationId,
      leave().finally(() => {
        this.#leaving.delete(mitigationId)
        this.#leftAt = this.#options.clock.monotonic()
      }),
    )
  }

  #keep(row: RunningMitigation): Kept {
    const { store, collectorId, cache, clock, logger } = this.#options
    const { mitigationId } = row
    const epoch = this.#controller.signal
    const journal = new Journal(row, {
      store,
      writer: { collectorId, cacheId: cache.cacheId },
      clock,
      isHeld: () => this.#isHeldIn(epoch),
      onWrite: (at) => this.#point(mitigationId, at),
    })
    const prover = new Prover(store, proofWindowMs(row, cache.mitigations.proofWindowMs))
    const context = () => this.#context(journal, epoch)
    const runner = new Runner({
      journal,
      action: this.#actions.of[row.action] ?? null,
      context,
      prove: (sinceMs) => proveAndWrite(prover, journal, this.#proveOptions(journal, sinceMs, context)),
      now: () => clock.now(),
      logger,
    })
    const kept: Kept = { runner, journal }
    this.#kept.set(mitigationId, kept)
    this.#participants.watch(journal)
    return kept
  }

  /** What goes on beside the runners. */
  async #round(rows: readonly RunningMitigation[], rev: number, topology: Topology): Promise<void> {
    const epoch = this.#controller.signal
    if (rows.length > 0) await this.#attempts.run('its nodes are looked up', () => this.#known.load(topology))
    await this.#participants.round({ rows, rev, topology, isHeld: () => this.#isHeldIn(epoch) })
  }

  #proveOptions({ row }: Journal, sinceMs: number, context: () => ActionContext): ProveOptions {
    const { waitsBetween, clock } = this.#options
    return {
      mirror: this.#actions.key.mirrorStatus(row.mitigationId),
      sinceMs,
      now: clock.now(),
      observe: async (when) => (await this.#actions.of[row.action].observe?.(context(), when)) ?? null,
      waitsBetween: (from, to) =>
        row.target.kind === 'key' ? (waitsBetween?.(row.target, from, to) ?? null) : null,
    }
  }

  #context(journal: Journal, epoch: AbortSignal): ActionContext {
    const { cache, clock, reading, lagSeconds } = this.#options
    const { row } = journal
    const { mitigationId } = row
    const topology = this.#options.topology() ?? { cacheId: cache.cacheId, at: 0, shards: [] }
    const acknowledgement = this.#participants.acknowledgementOf(row)
    if (acknowledgement !== null) journal.noteAcknowledgement(acknowledgement)
    const onCommand = this.#onCommand(mitigationId)
    return {
      mitigation: row,
      cache,
      topology,
      ...this.#known.places,
      now: () => clock.now(),
      random: () => clock.random(),
      reading,
      lagSeconds,
      node: async (address, db) => {
        if (!this.#isHeldIn(epoch)) throw new Halted()
        return this.#nodes.node(ownerOf(mitigationId), address, db, onCommand)
      },
      step: (options, run) => journal.step(options, run),
      get state() {
        return journal.row.state
      },
      saveState: (state) => journal.saveState(state),
      acknowledgement,
      isSampled: this.#participants.isSampled(mitigationId),
      others: this.#rows.filter((other) => other.mitigationId !== mitigationId),
      signal: epoch,
    }
  }

  /** @param mitigationId 0: of what all mitigations share */
  #onCommand(mitigationId: number): OnCommand {
    return (at) => this.#point(mitigationId, at)
  }

  #point(mitigationId: number, at: string): void | Promise<void> {
    const { checkpoint } = this.#options
    if (checkpoint === undefined) return
    const isShared = mitigationId === 0
    const row = [...this.#kept].find(([id]) => isShared || id === mitigationId)?.[1].journal.row
    if (row === undefined) return
    return checkpoint({ label: row.label, isShared, phase: row.phase, at })
  }
}

const switchedOff = (row: RunningMitigation): RunningMitigation => ({
  ...row,
  desired: 'off',
  actor: 'cachescope.yaml',
  reason: 'mitigations are switched off for the cache',
})
