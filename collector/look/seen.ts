/** How much of a node a look has seen: a list without keys says something only beside it. */
import type { HotKeySource } from '../hot-keys/source-types.ts'
import type { LookNode } from './look-rows.ts'

type Seen = Pick<LookNode, 'wasLookedAt' | 'sampledCommands'>

export class SeenNodes {
  readonly #nodes = new Map<string, { source: HotKeySource; sampled: number | null; hasReport: boolean }>()

  /** @returns the source itself, its reports noted as they are made */
  follow(node: string, source: HotKeySource): HotKeySource {
    const noted = { source, sampled: null as number | null, hasReport: false }
    this.#nodes.set(node, noted)
    return {
      start: () => source.start(),
      stop: () => source.stop(),
      report(now) {
        const report = source.report(now)
        if (report !== null) {
          noted.hasReport = true
          noted.sampled = report.sampledCommands
        }
        return report
      },
      get refusal() {
        return source.refusal
      },
      get cost() {
        return source.cost
      },
      get watching() {
        return source.watching
      },
    }
  }

  read(node: string): Seen {
    const noted = this.#nodes.get(node)
    if (!noted) return { wasLookedAt: false, sampledCommands: null }
    return seenOf(noted.source.cost.windowMs, noted)
  }
}

/** @param windowMs in MONITOR or watch: other sources have none, and a report alone says that they have looked */
export function seenOf(windowMs: number, told: { sampled: number | null; hasReport: boolean }): Seen {
  const sampledCommands = told.sampled ?? (windowMs > 0 && !told.hasReport ? 0 : null)
  return { wasLookedAt: windowMs > 0 || told.hasReport, sampledCommands }
}
