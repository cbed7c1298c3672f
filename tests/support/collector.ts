/** The collector inside a test: real nodes, real Postgres, log lines kept for the test to look at. */
import type { ConnectionOptions } from 'node:tls'
import { systemClock } from '../../collector/clock.ts'
import { Collector } from '../../collector/collector.ts'
import { createHotKeyLadder } from '../../collector/hot-keys/ladder.ts'
import type { Logger } from '../../collector/logger.ts'
import { parseConfig } from '../../core/config.ts'
import type { Event, Node } from '../../core/model.ts'
import { closeStore, openStore, type Store } from '../../store/client.ts'
import { listEvents } from '../../store/events.ts'
import { listNodes } from '../../store/nodes.ts'
import { until } from './redis.ts'

export type TestCollector = {
  readonly collector: Collector
  readonly store: Store
  /** Every log line so far, as JSON, with `loggedAt` in epoch milliseconds. */
  readonly log: string[]
  /** The node at an address, as pages see it. */
  node(address: string): Promise<Node | undefined>
  nodes(): Promise<Node[]>
  /** Oldest first. */
  events(): Promise<Event[]>
  stop(): Promise<void>
}

let counter = 0

/** @param yaml the caches of cachescope.yaml */
export async function startCollector(
  databaseUrl: string,
  yaml: string,
  options: {
    tls?: ReadonlyMap<string, ConnectionOptions | null>
    backlogBytes?: number
    env?: Record<string, string>
    lease?: { ttlMs: number; renewMs: number }
  } = {},
): Promise<TestCollector> {
  const log: string[] = []
  const note = (level: string) => (fields: object, message: string) => {
    log.push(JSON.stringify({ level, loggedAt: Date.now(), ...fields, message }))
  }
  const logger: Logger = {
    debug: note('debug'),
    info: note('info'),
    warn: note('warn'),
    error: note('error'),
  }
  const store = openStore(databaseUrl)
  const collector = new Collector({
    collectorId: `test-${process.pid}-${++counter}`,
    version: '0.0.0',
    config: parseConfig(yaml, options.env ?? {}),
    tls: options.tls ?? new Map(),
    store,
    createHotKeySource: createHotKeyLadder,
    clock: systemClock,
    logger,
    backlogBytes: options.backlogBytes,
    lease: options.lease,
  })
  // As the process does: a Postgres that is late is waited for.
  await until('Postgres answers', async () => {
    await collector.start()
    return true
  })
  const nodes = () => listNodes(store, {})
  return {
    collector,
    store,
    log,
    nodes,
    node: async (address) => (await nodes()).find((node) => node.address === address),
    events: async () => (await listEvents(store, { limit: 200 })).items.toReversed(),
    async stop() {
      await collector.stop()
      await closeStore(store)
    },
  }
}

/** A cache as cachescope.yaml has it; `more` are further lines of it. */
export function cacheYaml(
  name: string,
  kind: 'cluster' | 'sentinel' | 'standalone',
  urls: string[],
  more: string[] = [],
): string {
  const lines = [`- name: ${name}`, `  kind: ${kind}`, `  nodes: [${urls.join(', ')}]`, '  interval: 1s']
  return [...lines, ...more.map((line) => `  ${line}`)].map((line) => `  ${line}\n`).join('')
}
