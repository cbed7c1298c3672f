/**
 * How long the applications' reads of each key took in the last minute, as their heartbeats tell it: what a mitigation is
 * compared with. In memory alone: a collector that has just taken the cache over knows nothing of the time before.
 */
import type { ClientHotKey } from '../../core/protocol/heartbeat.ts'
import { describeWaits, mergeWaits, type WaitFigures, type Waits } from '../../core/waits.ts'

const KEPT_MS = 65_000
const STEP_MS = 2_500
/** Of one step. */
const MAX_KEYS = 500

type Told = { timed: number; waits: Waits }
type Step = { at: number; keys: Map<string, Told> }

export class ClientWaits {
  readonly #steps: Step[] = []

  /** @param seenAt epoch milliseconds by our clock */
  note(keys: readonly ClientHotKey[], seenAt: number): void {
    const step = this.#stepOf(seenAt)
    for (const { db, keyBase64, timed = 0, waits = [] } of keys) {
      if (timed <= 0 || waits.length === 0) continue
      const id = idOf(db, keyBase64)
      const told = step.keys.get(id)
      if (told === undefined && step.keys.size >= MAX_KEYS) continue
      step.keys.set(id, {
        timed: timed + (told?.timed ?? 0),
        waits: mergeWaits(told === undefined ? [waits] : [told.waits, waits]),
      })
    }
  }

  /**
   * Of all instances together, by the steps that are wholly within.
   * @returns null where none has timed a read of it then
   */
  of(
    { db, keyBase64 }: Pick<ClientHotKey, 'db' | 'keyBase64'>,
    from: number,
    to = Number.POSITIVE_INFINITY,
  ): WaitFigures | null {
    const id = idOf(db, keyBase64)
    const isWithin = ({ at }: Step) => at >= from && at + STEP_MS <= to
    const told = this.#steps.filter(isWithin).flatMap(({ keys }) => keys.get(id) ?? [])
    const timed = told.reduce((sum, one) => sum + one.timed, 0)
    return describeWaits(mergeWaits(told.map(({ waits }) => waits)), timed)
  }

  #stepOf(seenAt: number): Step {
    const at = Math.floor(seenAt / STEP_MS) * STEP_MS
    const known = this.#steps.find((step) => step.at === at)
    if (known !== undefined) return known
    const step: Step = { at, keys: new Map() }
    // One that comes late drops nothing that is newer; what a clock set back has left far ahead goes.
    const kept = this.#steps.filter((one) => Math.abs(one.at - at) < KEPT_MS)
    this.#steps.splice(0, this.#steps.length, ...kept, step)
    return step
  }
}

const idOf = (db: number, keyBase64: string): string => `${db} ${keyBase64}`
