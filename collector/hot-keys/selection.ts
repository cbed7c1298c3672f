/** Which of the keys that a source names are kept as rows, and whether they can wait. Pure. */
import type { HotKeySample } from '../../core/sample.ts'
import type { KeyFacts } from './key-prober.ts'
import type { HotKeyReport, ReportedKey } from './source-types.ts'

/** The hottest, whatever they are; and of the others those that hurt in another way. */
const TOP = 20
const MISSING = 10
const BIG = 10

export type SelectedKey = ReportedKey &
  Pick<HotKeySample, 'rank' | 'commands' | 'sizeBytes' | 'isMissing' | 'probedAt'>

/** @returns by rank: the place of a key in the whole report */
export function selectKeys(
  report: HotKeyReport,
  factsOf: (key: ReportedKey) => KeyFacts | null,
): SelectedKey[] {
  const all = report.keys.map((key, index): SelectedKey => {
    const facts = factsOf(key)
    return {
      ...key,
      rank: index + 1,
      commands: report.commandsOf?.(key) ?? [],
      sizeBytes: facts?.sizeBytes ?? null,
      isMissing: facts?.isMissing ?? null,
      probedAt: facts?.probedAt ?? null,
    }
  })
  const others = all.slice(TOP)
  const missing = others.filter((key) => key.isMissing === true).slice(0, MISSING)
  const bytes = (key: SelectedKey) => (key.opsPerSec ?? 0) * (key.sizeBytes ?? 0)
  const big = others
    .filter((key) => bytes(key) > 0 && !missing.includes(key))
    .sort((one, other) => bytes(other) - bytes(one))
    .slice(0, BIG)
  return [...all.slice(0, TOP), ...missing, ...big].sort((one, other) => one.rank - other.rank)
}

/** A key that has not been reported for so long is new. */
const FORGET_MS = 30_000
const MAX_REMEMBERED = 500
/** Among so many of the hottest a new one cannot wait. */
const URGENT_TOP = 10
/** So many times its last reported share, surely, is news as well. */
const GROWN = 2

/** Remembers what was reported, to tell what is new in the next report. */
export class ReportedKeys {
  readonly #last = new Map<string, { at: number; shareHigh: number }>()

  /** Whether one of the hottest keys was surely not there, or not nearly as hot, in the reports before. */
  hasNews(keys: readonly ReportedKey[], now: number): boolean {
    return keys.slice(0, URGENT_TOP).some((key) => {
      // Without an interval nothing is sure: such a source's rows have their rhythm.
      if (key.shareLow === null || key.shareLow <= 0) return false
      const last = this.#last.get(idOf(key))
      return last === undefined || now - last.at > FORGET_MS || key.shareLow > last.shareHigh * GROWN
    })
  }

  note(keys: readonly ReportedKey[], now: number): void {
    for (const key of keys) {
      const id = idOf(key)
      this.#last.delete(id)
      this.#last.set(id, { at: now, shareHigh: key.shareHigh ?? 1 })
    }
    for (const id of this.#last.keys()) {
      if (this.#last.size <= MAX_REMEMBERED) break
      this.#last.delete(id)
    }
  }
}

function idOf({ db, key }: { db: number; key: Uint8Array }): string {
  return `${db} ${Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1')}`
}
