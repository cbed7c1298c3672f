/** The collector's own figures for Prometheus: by cache and state, never by node. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { NodeState } from '../core/model.ts'
import type { Tick } from '../core/sample.ts'

export type CollectorFacts = {
  isStoreAway: boolean
  bufferedTicks: number
  bufferedBytes: number
  droppedTicks: number
  nodes: { cacheId: string; states: ReadonlyMap<NodeState, number> }[]
}

export class CollectorMetrics {
  readonly registry = new Registry()
  readonly #readings: Counter<'cache' | 'state'>
  readonly #events: Counter<'cache' | 'kind'>
  readonly #hotKeys: Counter<'cache'>
  readonly #saved: Counter
  readonly #saveSeconds: Histogram

  constructor(facts: () => CollectorFacts) {
    const registers = [this.registry]
    collectDefaultMetrics({ register: this.registry, prefix: 'cachescope_' })
    const gauge = (name: string, help: string, value: (facts: CollectorFacts) => number) =>
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(value(facts()))
        },
      })
    gauge('cachescope_store_up', '1 when PostgreSQL took the last tick', (now) => (now.isStoreAway ? 0 : 1))
    gauge('cachescope_buffered_ticks', 'Ticks that wait for PostgreSQL', (now) => now.bufferedTicks)
    gauge('cachescope_buffered_bytes', 'Bytes of ticks that wait for PostgreSQL', (now) => now.bufferedBytes)
    gauge('cachescope_dropped_ticks', 'Ticks given up since the start', (now) => now.droppedTicks)
    new Gauge({
      name: 'cachescope_nodes',
      help: 'Nodes by state',
      labelNames: ['cache', 'state'],
      registers,
      collect() {
        this.reset()
        for (const { cacheId, states } of facts().nodes) {
          for (const [state, count] of states) this.set({ cache: cacheId, state }, count)
        }
      },
    })
    this.#readings = new Counter({
      name: 'cachescope_readings_total',
      help: 'Readings of nodes by what they answered',
      labelNames: ['cache', 'state'],
      registers,
    })
    this.#events = new Counter({
      name: 'cachescope_events_total',
      help: 'Events by kind',
      labelNames: ['cache', 'kind'],
      registers,
    })
    this.#hotKeys = new Counter({
      name: 'cachescope_hot_key_rows_total',
      help: 'Hot keys reported',
      labelNames: ['cache'],
      registers,
    })
    this.#saved = new Counter({ name: 'cachescope_saved_ticks_total', help: 'Ticks saved', registers })
    this.#saveSeconds = new Histogram({
      name: 'cachescope_save_seconds',
      help: 'Time to save one batch of ticks',
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
      registers,
    })
  }

  countTick(tick: Tick): void {
    for (const { cacheId, state } of tick.statuses) this.#readings.inc({ cache: cacheId, state })
    for (const { cacheId, kind } of tick.events) this.#events.inc({ cache: cacheId, kind })
    for (const { cacheId } of tick.hotKeys) this.#hotKeys.inc({ cache: cacheId })
  }

  countSaved(ticks: number, elapsedMs: number): void {
    this.#saved.inc(ticks)
    this.#saveSeconds.observe(elapsedMs / 1_000)
  }
}
