/** What all instances together did under a policy between two looks: rates, from counters that only grow. */
import type { AppInstance } from '../../core/mitigations/app-instance.ts'
import { countOf, describeWaits, mergeWaits, type Waits } from '../../core/waits.ts'
import type { MitigationSample } from '../../store/mitigation-samples.ts'
import type { MirrorStatus } from './mirror/mirror.ts'

type Policy = AppInstance['policies'][number]
type Counters = { policy: Policy; seenAt: number; startedAt: string }
type Rates = Pick<
  Policy,
  'reads' | 'localHits' | 'localMisses' | 'replicaReads' | 'fallbacks' | 'invalidations' | 'errors'
>

const NAMES: (keyof Rates)[] = [
  'reads',
  'localHits',
  'localMisses',
  'replicaReads',
  'fallbacks',
  'invalidations',
  'errors',
]

export class Sampler {
  readonly #policyId: string
  readonly #since: number
  readonly #before = new Map<string, Counters>()
  /** When the newest heartbeat whose waits were taken was seen, by instance. */
  readonly #waitsTakenAt = new Map<string, number>()
  #waits: Waits = []
  #probes: { probes: number; diverged: number } | null = null

  /** Whether at the last look all instances that have the policy had told twice. */
  isComplete = false

  /** @param since epoch milliseconds: the waits of heartbeats before were saved by whoever had the cache then */
  constructor(policyId: string, since: number) {
    this.#policyId = policyId
    this.#since = since
  }

  /**
   * @param instances fresh ones, with counters of their newest heartbeat
   * @returns null while no instance has told twice
   */
  sample(
    instances: readonly AppInstance[],
    mirror: MirrorStatus | null,
    now: number,
  ): MitigationSample | null {
    const total: Rates = Object.fromEntries(NAMES.map((name) => [name, 0])) as Rates
    const variants: number[] = []
    const slowest = { p50Us: null as number | null, p99Us: null as number | null }
    let told = 0
    this.isComplete = true
    for (const instance of instances) {
      const policy = instance.policies.find(({ id }) => id === this.#policyId)
      if (policy === undefined) continue
      this.#takeWaits(instance, policy)
      const rates = this.#ratesOf(instance, policy)
      if (rates === null) {
        this.isComplete = false
        continue
      }
      told++
      for (const name of NAMES) total[name] += rates.perSec[name]
      for (const [index, rate] of rates.variants.entries()) variants[index] = (variants[index] ?? 0) + rate
      slowest.p50Us = higher(slowest.p50Us, policy.p50Us)
      slowest.p99Us = higher(slowest.p99Us, policy.p99Us)
    }
    if (told === 0) return null
    const figures = describeWaits(this.#waits, countOf(this.#waits))
    return {
      at: new Date(now).toISOString(),
      instances: told,
      readsPerSec: total.reads,
      localHitsPerSec: total.localHits,
      localMissesPerSec: total.localMisses,
      variantReadsPerSec: variants,
      replicaReadsPerSec: total.replicaReads,
      fallbacksPerSec: total.fallbacks,
      invalidationsPerSec: total.invalidations,
      errorsPerSec: total.errors,
      p50Us: figures?.p50Us ?? slowest.p50Us,
      p99Us: figures?.p99Us ?? slowest.p99Us,
      ...this.#probesOf(mirror),
    }
  }

  /** How long reads took since it was last asked; null where no instance tells. To be saved with the sample. */
  takeWaits(): Waits | null {
    const waits = this.#waits
    this.#waits = []
    return waits.length === 0 ? null : waits
  }

  /** They were not saved: they go with the next sample. */
  giveBack(waits: Waits | null): void {
    if (waits !== null) this.#waits = mergeWaits([waits, this.#waits])
  }

  /** Each heartbeat tells of the reads since the one before it. */
  #takeWaits(instance: AppInstance, policy: Policy): void {
    const id = JSON.stringify([instance.app, instance.instanceId])
    const seenAt = Date.parse(instance.seenAt)
    if (policy.waits === undefined || (this.#waitsTakenAt.get(id) ?? this.#since) >= seenAt) return
    this.#waitsTakenAt.set(id, seenAt)
    this.#waits = mergeWaits([this.#waits, policy.waits])
  }

  /** The last rate counts until there is a newer: an instance is not half gone between two heartbeats. */
  readonly #rates = new Map<string, { perSec: Rates; variants: number[] }>()

  #ratesOf(instance: AppInstance, policy: Policy): { perSec: Rates; variants: number[] } | null {
    const id = JSON.stringify([instance.app, instance.instanceId])
    const seenAt = Date.parse(instance.seenAt)
    const before = this.#before.get(id)
    if (
      before === undefined ||
      before.startedAt !== instance.startedAt ||
      policy.reads < before.policy.reads
    ) {
      this.#before.set(id, { policy, seenAt, startedAt: instance.startedAt })
      this.#rates.delete(id)
      return null
    }
    const seconds = (seenAt - before.seenAt) / 1_000
    if (seconds <= 0) return this.#rates.get(id) ?? null
    this.#before.set(id, { policy, seenAt, startedAt: instance.startedAt })
    const perSec = Object.fromEntries(
      NAMES.map((name) => [name, Math.max(0, policy[name] - before.policy[name]) / seconds]),
    ) as Rates
    const variants = policy.variantReads.map((reads, index) =>
      Math.max(0, (reads - (before.policy.variantReads[index] ?? 0)) / seconds),
    )
    this.#rates.set(id, { perSec, variants })
    return { perSec, variants }
  }

  #probesOf(mirror: MirrorStatus | null): { probes: number | null; diverged: number | null } {
    if (mirror === null) return { probes: null, diverged: null }
    const { probes, diverged } = mirror
    const before = this.#probes ?? { probes: 0, diverged: 0 }
    this.#probes = { probes, diverged }
    // A mirror that began anew counts from nothing.
    const isNew = probes < before.probes
    return {
      probes: isNew ? probes : probes - before.probes,
      diverged: isNew ? diverged : diverged - before.diverged,
    }
  }
}

function higher(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b)
}
