/** The Memcached servers of a look: each a shard of one cache, read by `watch`. */
import type { HotKeySample } from '../../core/sample.ts'
import type { Clock } from '../clock.ts'
import { selectKeys } from '../hot-keys/selection.ts'
import type { HotKeyReport } from '../hot-keys/source-types.ts'
import type { Logger } from '../logger.ts'
import { createMemcachedSource, type MemcachedSource } from '../memcached/memcached-source.ts'
import type { Bill } from './bill.ts'
import type { LookNode } from './look-rows.ts'
import { seenOf } from './seen.ts'
import type { TargetPlace } from './target.ts'

export const MEMCACHED_CACHE = 'memcached'

type Told = Omit<LookNode, 'nodeId' | 'cacheId'> & { keys: HotKeySample[] }

export class MemcachedLook {
  readonly #servers: { place: TargetPlace; source: MemcachedSource }[]

  constructor(
    places: readonly TargetPlace[],
    options: { budget: number; clock: Clock; logger: Logger },
    bill: Bill,
  ) {
    const { budget, clock, logger } = options
    this.#servers = places.map((place) => {
      const source = createMemcachedSource({
        ...{ host: place.host, port: place.port, budget, logger, onNews: () => {} },
        ...{ now: clock.now, random: clock.random },
      })
      bill.add(source, null)
      return { place, source }
    })
  }

  start(): void {
    for (const { source } of this.#servers) source.start()
  }

  async stop(): Promise<void> {
    await Promise.all(this.#servers.map(({ source }) => source.stop()))
  }

  /** Of each server: how it is, and its newest report. */
  read(now: number): Told[] {
    return this.#servers.map(({ place, source }, index) => {
      const isUp = source.isAnswering
      const { address } = place
      const report = source.report(now)
      const told = { sampled: report?.sampledCommands ?? null, hasReport: report !== null }
      return {
        ...{ shardId: index + 1, address, role: 'server' },
        state: isUp ? 'up' : source.refusal === null ? 'pending' : 'unreachable',
        ...{ message: isUp ? null : source.refusal, refusal: source.refusal },
        ...{ watching: source.watching, opsPerSec: isUp ? source.opsPerSec : null },
        ...seenOf(source.cost.windowMs, told),
        keys: report === null ? [] : rowsOf(source, report, address),
      }
    })
  }
}

function rowsOf(source: MemcachedSource, report: HotKeyReport, address: string): HotKeySample[] {
  const of = {
    ...{ cacheId: MEMCACHED_CACHE, address, at: report.windowTo, windowFrom: report.windowFrom },
    ...{ sampledCommands: report.sampledCommands, source: report.source },
  }
  return selectKeys(report, ({ db, key }) => source.facts(db, key)).map((key) => ({ ...key, ...of }))
}
