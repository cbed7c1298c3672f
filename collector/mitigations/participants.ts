/**
 * The applications that use one cache with the library: what they say in their heartbeats, what they are told in policy
 * documents, and what that comes to for each mitigation that runs. Carries nothing out.
 */
import type { CacheConfig } from '../../core/config.ts'
import { CachescopeError } from '../../core/errors.ts'
import type { AppInstance } from '../../core/mitigations/app-instance.ts'
import type { Acknowledgement, MitigationPhase } from '../../core/mitigations/model.ts'
import { policyIdOf, policyOf } from '../../core/mitigations/policy-document.ts'
import type { Heartbeat } from '../../core/protocol/heartbeat.ts'
import { HEARTBEAT_TTL_MS } from '../../core/protocol/policy.ts'
import type { NodeAddress, Topology } from '../../core/sample.ts'
import {
  listAppInstances,
  listInstanceConnections,
  type SeenHeartbeat,
  saveHeartbeats,
} from '../../store/app-instances.ts'
import type { Store } from '../../store/client.ts'
import type { RunningMitigation } from '../../store/mitigation-progress.ts'
import { saveMitigationSample } from '../../store/mitigation-samples.ts'
import type { Clock } from '../clock.ts'
import { NodeFailure } from '../connection/failure.ts'
import type { NodeReading } from '../reading.ts'
import { acknowledge, countConnectionsWithoutLibrary } from './acknowledgement.ts'
import type { ActionNodes, OnCommand } from './action-nodes.ts'
import type { Attempts } from './attempts.ts'
import { Halted } from './halted.ts'
import { HeartbeatReader } from './heartbeats.ts'
import type { Journal } from './journal.ts'
import type { MirrorStatus } from './mirror/mirror.ts'
import { Publisher } from './publisher.ts'
import { Sampler } from './sampler.ts'
import type { SlotMap } from './slot-map.ts'

export type ParticipantsOptions = {
  store: Store
  cache: CacheConfig
  nodes: ActionNodes
  slots: SlotMap
  clock: Clock
  attempts: Attempts
  /** What a node answered at its last tick; null while it is not up. */
  reading(address: NodeAddress): NodeReading | null
  /** null where the mitigation keeps no copies. */
  mirrorStatus(mitigationId: number): MirrorStatus | null
  onCommand: OnCommand
  /** Each as it is seen for the first time. */
  onHeartbeat?(heartbeat: Heartbeat, seenAt: number): void
}

type Watched = {
  /** Its `row` is as its runner has it. */
  journal: Pick<Journal, 'row'>
  sampler: Sampler
  /** What the applications say of it is in the store, from all of them. */
  isSampled: boolean
  /** When clients were last counted for it, and in which phase it was. */
  counted: { at: number; phase: MitigationPhase } | null
}

const IDLE_MS = 5_000
const BUSY_MS = 1_000
const CONNECTIONS_EVERY_MS = 30_000
/** Whom a sample of the time before waits for no longer. */
const LAGGARDS_MS = 10_000

export class Participants {
  readonly #options: ParticipantsOptions
  readonly #publisher: Publisher
  readonly #heartbeats: HeartbeatReader
  /** By mitigation: those that have a runner. */
  readonly #watched = new Map<number, Watched>()
  #apps: string[] = []
  #instances: AppInstance[] | null = null
  /** Heartbeats were read once, or may not be, and were before instances were listed: that nobody is there is known. */
  #isRead = false
  #isComplete = false
  #connectionsWithoutLibrary: number | null = null
  #saved = new Map<string, number>()
  #readAt = Number.NEGATIVE_INFINITY
  #sampledAt = Number.NEGATIVE_INFINITY

  constructor(options: ParticipantsOptions) {
    this.#options = options
    this.#publisher = new Publisher(options)
    this.#heartbeats = new HeartbeatReader(options)
  }

  /** As if nothing had been counted or sampled of it before. */
  watch(journal: Pick<Journal, 'row'>): void {
    const { mitigationId } = journal.row
    const sampler = new Sampler(policyIdOf(mitigationId), this.#options.clock.now())
    this.#watched.set(mitigationId, { journal, sampler, isSampled: false, counted: null })
  }

  unwatch(mitigationId: number): void {
    this.#watched.delete(mitigationId)
  }

  /** Another may have had the cache: that nobody is there is no longer known. */
  doubt(): void {
    this.#isRead = false
    this.#isComplete = false
  }

  /** Who was there belongs to what has ended: it says nothing of what comes next. */
  forget(): void {
    this.doubt()
    this.#instances = null
  }

  /**
   * Heartbeats, what they come to, and what is published. One that fails is in nobody's way.
   * @param round.rev the highest of all mitigations of the cache
   * @param round.isHeld whether the cache is certainly ours, and was without a doubt since the round began
   */
  async round(round: {
    rows: readonly RunningMitigation[]
    rev: number
    topology: Topology
    isHeld(): boolean
  }): Promise<void> {
    const { rows, rev, topology, isHeld } = round
    const { attempts } = this.#options
    const publish = async () => {
      // After a doubt what was read before it is old.
      if (!isHeld()) throw new Halted()
      await this.#publisher.publish(this.#apps, rows, rev)
    }
    // Applications that are known already need not wait for the others to be read.
    await attempts.run('policies are published', publish)
    const isNew = await attempts.run('heartbeats are read', () => this.#readHeartbeats(rows))
    if (isNew === true) await attempts.run('policies are published', publish)
    if (rows.length > 0) await attempts.run('heartbeats are counted', () => this.#count(rows, topology))
  }

  /** @returns null while it is not known who is there */
  acknowledgementOf(row: RunningMitigation): Acknowledgement | null {
    const { clock } = this.#options
    const instances = this.#isComplete || this.#instances?.length ? this.#instances : null
    if (instances === null) return null
    return acknowledge({
      instances,
      rev: row.rev,
      policy: policyOf(row, clock.now()),
      connectionsWithoutLibrary: this.#connectionsWithoutLibrary,
      now: clock.now(),
    })
  }

  /** Also where nobody tells of the policy: there is nothing to wait for then. */
  isSampled(mitigationId: number): boolean {
    const id = policyIdOf(mitigationId)
    const isTold =
      this.#instances?.some(({ policies }) => policies.some((policy) => policy.id === id)) ?? true
    return this.#watched.get(mitigationId)?.isSampled === true || !isTold
  }

  async #readHeartbeats(rows: readonly RunningMitigation[]): Promise<boolean> {
    const { clock, store, cache, onHeartbeat } = this.#options
    const isWaiting = rows.some(({ phase }) => phase === 'prepare' || phase === 'draining')
    const elapsedMs = clock.monotonic() - this.#readAt
    // A hair early: a round comes every half second.
    if (elapsedMs < (isWaiting ? BUSY_MS : IDLE_MS) - 100) return false
    this.#readAt = clock.monotonic()
    const apps = await this.#heartbeats.read().catch((error: unknown) => {
      // Applications can use HTTP where the user may not read what they leave in the cache.
      if (error instanceof NodeFailure && error.state === 'denied') this.#isRead = true
      throw error
    })
    const seen = apps.flatMap((app) => app.seen)
    const isNewer = ({ heartbeat, seenAt }: (typeof seen)[number]) =>
      (this.#saved.get(`${heartbeat.app} ${heartbeat.instanceId}`) ?? 0) < seenAt
    const fresh = seen.filter(isNewer)
    for (const { heartbeat, seenAt } of fresh) onHeartbeat?.(heartbeat, seenAt)
    // One whose instances are all gone is listed for a while; it needs no document.
    this.#apps = apps.filter((app) => app.seen.length > 0).map(({ app }) => app)
    const refused = await saveEach(store, cache.cacheId, fresh)
    this.#saved = new Map(
      seen.map(({ heartbeat, seenAt }) => [`${heartbeat.app} ${heartbeat.instanceId}`, seenAt]),
    )
    this.#isRead = true
    if (refused > 0) throw new Error('Heartbeats that the store refuses.')
    return true
  }

  /** Acknowledgements and samples, from the store: heartbeats come over HTTP as well. */
  async #count(rows: readonly RunningMitigation[], topology: Topology): Promise<void> {
    const { clock, store, cache, nodes, reading, onCommand } = this.#options
    const now = clock.now()
    const of = { cacheId: cache.cacheId, freshMs: HEARTBEAT_TTL_MS, now }
    const isWaiting = rows.some(({ phase }) => phase !== 'active')
    const isDue = clock.monotonic() - this.#sampledAt >= IDLE_MS - 100
    if (!isWaiting && !isDue && this.#instances !== null) return
    const isRead = this.#isRead
    this.#instances = await listAppInstances(store, of)
    this.#isComplete = isRead
    // Once more when it is active: who has applied it has told of its connections.
    const isCountDue = [...this.#watched.values()].some(
      ({ counted, journal }) =>
        counted === null ||
        clock.monotonic() - counted.at >= CONNECTIONS_EVERY_MS ||
        (counted.phase === 'prepare' && journal.row.phase === 'active'),
    )
    if (isCountDue) {
      const known = await listInstanceConnections(store, of)
      this.#connectionsWithoutLibrary = await countConnectionsWithoutLibrary(
        topology,
        nodes,
        known,
        reading,
        onCommand,
      )
      for (const watched of this.#watched.values()) {
        watched.counted = { at: clock.monotonic(), phase: watched.journal.row.phase }
      }
    }
    if (isDue) this.#sampledAt = clock.monotonic()
    for (const watched of this.#watched.values()) {
      if (isDue || isPreparing(watched)) await this.#sample(watched, this.#instances, isDue)
    }
  }

  async #sample(watched: Watched, instances: readonly AppInstance[], isDue: boolean): Promise<void> {
    const { clock, store, mirrorStatus } = this.#options
    const { mitigationId, rev, phaseSince } = watched.journal.row
    const now = clock.now()
    const sample = watched.sampler.sample(instances, mirrorStatus(mitigationId), now)
    if (sample === null) return
    if (isPreparing(watched)) {
      // What is compared with the time after must be of all of them, but for those that never come.
      const isOfAll = instances.every((one) => one.state === 'disabled' || one.rev >= rev)
      const isLate = now - Date.parse(phaseSince) > LAGGARDS_MS
      if (!watched.sampler.isComplete || !(isOfAll || isLate)) return
      if (watched.isSampled && !isDue) return
    }
    const waits = watched.sampler.takeWaits()
    try {
      await saveMitigationSample(store, mitigationId, sample, waits)
    } catch (error) {
      watched.sampler.giveBack(waits)
      throw error
    }
    watched.isSampled = true
  }
}

/** One that the store refuses is in no other's way. @returns how many it has refused */
async function saveEach(store: Store, cacheId: string, seen: readonly SeenHeartbeat[]): Promise<number> {
  try {
    await saveHeartbeats(store, cacheId, seen)
    return 0
  } catch (error) {
    if (error instanceof CachescopeError) throw error
    if (seen.length === 1) return 1
  }
  let refused = 0
  for (const one of seen) refused += await saveEach(store, cacheId, [one])
  return refused
}

function isPreparing({ journal }: Watched): boolean {
  return journal.row.phase === 'prepare'
}
