/**
 * What the applications count themselves: it costs the node nothing and needs no right there, so it is left when every
 * other source is refused. It sees the applications that use the library, and no one else.
 */
import type { NodeCounts, OwnedKey } from './client-counts.ts'
import { bareKey, Rung, RungRefusal } from './rung.ts'
import type { HotKeyReport, NodeFacts, ReportedKey } from './source-types.ts'

const EVERY_MS = 1_000
const REPORTED_KEYS = 60

export class ClientSource extends Rung {
  readonly source = 'client'
  protected readonly right = ''
  /** Looking again costs nothing: an application that begins is seen at once. */
  protected override readonly retryMs = EVERY_MS
  #report: HotKeyReport | null = null

  report(): HotKeyReport | null {
    return this.#report
  }

  protected async probe(facts: NodeFacts): Promise<void> {
    this.#countsOf(facts)
  }

  protected async round(facts: NodeFacts): Promise<number> {
    const { keys, sampled, from, to } = this.#countsOf(facts)
    this.#report = {
      source: 'client',
      windowFrom: from,
      windowTo: to,
      sampledCommands: sampled,
      keys: keys.slice(0, REPORTED_KEYS).map((key) => reportedKey(key, facts.opsPerSec)),
      patterns: [],
    }
    this.options.onNews()
    return EVERY_MS
  }

  protected forget(): void {
    this.#report = null
  }

  #countsOf({ role }: NodeFacts): NodeCounts {
    if (role === 'replica') {
      throw new RungRefusal('unsupported', "The applications' counts are shown at the shard's primary.")
    }
    const counts = this.options.clientCounts?.() ?? null
    if (counts === null) {
      throw new RungRefusal(
        'unsupported',
        'No application tells its own counts: one that uses @cachescope/client does, where mitigations are enabled for the cache.',
      )
    }
    return counts
  }
}

/** @param opsPerSec of the node, by its own counter: those of clients without the library are in it */
function reportedKey(key: OwnedKey, opsPerSec: number | null): ReportedKey {
  const share = (rate: number) =>
    opsPerSec === null || opsPerSec <= 0 ? null : Math.min(1, rate / opsPerSec)
  return {
    ...bareKey(key.db, key.key),
    share: share(key.opsPerSec),
    shareLow: share(key.opsPerSecLow),
    shareHigh: share(key.opsPerSecHigh),
    opsPerSec: key.opsPerSec,
    opsPerSecLow: key.opsPerSecLow,
    opsPerSecHigh: key.opsPerSecHigh,
    readsPerSec: key.readsPerSec,
    writesPerSec: key.writesPerSec,
  }
}
