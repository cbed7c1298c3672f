/** What a reporter tells its detector of the node, from the node's readings. */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { systemClock } from '../../../collector/clock.ts'
import { NodeConnection } from '../../../collector/connection/node-connection.ts'
import { HotKeyReporter } from '../../../collector/hot-keys/reporter.ts'
import { type NodeFacts, noCost } from '../../../collector/hot-keys/source-types.ts'
import { type NodeReading, shapeReading } from '../../../collector/reading.ts'
import { parseInfo } from '../../../collector/sources/info.ts'
import { parseConfig } from '../../../core/config.ts'
import { guardRefusal } from '../../../core/hot-keys/guards.ts'
import type { Watching } from '../../../core/model.ts'

const WATCHING: Watching = {
  source: null,
  sources: [],
  budget: 0.01,
  attention: null,
  predictedShare: null,
  measuredShare: null,
  lastBurst: null,
}
const COST = { commands: 0, bytesRead: 0, bytesWritten: 0, connections: 0, byCommand: new Map() }
const own = { ...COST, hits: 0, misses: 0, watchingCommands: 0, watchingBytes: 0, watchingCpuUs: 0 }

function reading(
  fixture: string,
  atMs: number,
  fields: Record<string, string | number>,
  cluster: NodeReading['cluster'] = null,
): NodeReading {
  let text = readFileSync(new URL(`../../fixtures/redis-7.0.15/${fixture}`, import.meta.url), 'utf8')
  for (const [name, value] of Object.entries(fields)) {
    expect(text).toMatch(new RegExp(`^${name}:`, 'm'))
    text = text.replace(new RegExp(`^${name}:.*$`, 'm'), `${name}:${value}`)
  }
  const info = parseInfo(text)
  return { at: atMs, monotonicMs: atMs, pingMs: 1, info, cluster, table: null, own }
}

/** The facts after each of the readings. */
function factsOf(readings: NodeReading[], isTopologyChanging = () => false): NodeFacts[] {
  const cache = parseConfig(
    'caches:\n  - name: shop\n    kind: standalone\n    nodes: [redis://127.0.0.1:6379]\n',
    {},
  ).caches[0]
  if (!cache) throw new Error('no cache')
  const place = { host: '127.0.0.1', port: 6379, address: '127.0.0.1:6379' }
  const credentials = { username: null, password: null, tls: null }
  const watcher = {
    place,
    connection: new NodeConnection(place, credentials),
    state: 'up' as const,
    reading: null as NodeReading | null,
    shaped: null as ReturnType<typeof shapeReading> | null,
  }
  const ignore = () => {}
  const ask: { facts: () => NodeFacts } = {
    facts: () => {
      throw new Error('no detector was made')
    },
  }
  new HotKeyReporter({
    cache,
    credentials,
    watcher,
    loadCommandTable: () => Promise.reject(new Error('not asked for')),
    onHotKeys: ignore,
    hotKeyPause: () => null,
    isTopologyChanging,
    createHotKeySource: (options) => {
      ask.facts = options.nodeFacts
      return {
        start: ignore,
        stop: () => Promise.resolve(),
        report: () => null,
        refusal: null,
        cost: noCost(),
        watching: WATCHING,
      }
    },
    clock: systemClock,
    logger: { debug: ignore, info: ignore, warn: ignore, error: ignore },
  })
  return readings.map((one) => {
    watcher.shaped = shapeReading(watcher.reading, one)
    watcher.reading = one
    return ask.facts()
  })
}

const replica = (offset: number, lag: number, state = 'online') =>
  `ip=127.0.0.1,port=7001,state=${state},offset=${offset},lag=${lag}`
const primaryReadings = (slave0: (second: number) => string) =>
  Array.from({ length: 16 }, (_, second) =>
    reading('info-primary.txt', second * 1_000, {
      master_repl_offset: 1_000_000 + second * 1_000,
      slave0: slave0(second),
    }),
  )

it.each<[string, (second: number) => string, number | null]>([
  ['in step', (second) => replica(1_000_000 + second * 1_000, 0), 0],
  ['silent for 14 seconds', (second) => replica(1_000_000 + second * 1_000, second), 15],
  ['that answers, but is back by 12 KB', (second) => replica(1_000_500 + (second - 12) * 1_000, 0), 11.5],
  ['still being filled', () => replica(0, 0, 'send_bulk'), null],
])('a primary with a replica %s', (_, slave0, seconds) => {
  const facts = factsOf(primaryReadings(slave0)).at(-1)
  expect(facts?.replicationLagSeconds).toBe(seconds)
  const refusal = facts && guardRefusal(facts)
  if ((seconds ?? 0) > 10) expect(refusal).toMatch(/A replica of the node is 1\d s behind/)
  else expect(refusal).toBeNull()
})

it.each([
  [9, null],
  [14, /The node is 14 s behind/],
])('a replica that last heard of its primary %i seconds ago', (lastIo, refusal) => {
  const [facts] = factsOf([reading('info-replica.txt', 0, { master_last_io_seconds_ago: lastIo })])
  const said = facts && guardRefusal(facts)
  if (refusal === null) expect(said).toBeNull()
  else expect(said).toMatch(refusal)
})

it("a node without maxmemory that fills its machine's memory is left alone", () => {
  const fields = { maxmemory: 0, used_memory_rss: 90_000, total_system_memory: 100_000 }
  const [facts] = factsOf([reading('info-primary.txt', 0, fields)])
  expect(facts && guardRefusal(facts)).toMatch(/leaves only 10% of its machine's memory/)
})

it("a failover is known by the cluster's state, its epoch for some seconds, and what the cache sees", () => {
  const at = (second: number, ok: boolean, epoch: number) =>
    reading('info-primary.txt', second * 1_000, {}, { ok, epoch, knownNodes: 6, slotsFail: 0 })
  const readings = [
    at(0, true, 6),
    at(2, true, 6),
    at(4, true, 7),
    at(6, true, 7),
    at(10, true, 7),
    at(12, false, 7),
  ]
  const failovers = factsOf(readings).map(({ failoverInProgress }) => failoverInProgress)
  expect(failovers).toEqual([false, false, true, true, false, true])
  const [facts] = factsOf([reading('info-primary.txt', 0, {})], () => true)
  expect(facts && guardRefusal(facts)).toMatch(/failover/)
})
