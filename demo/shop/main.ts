/** One process of the shop, its visitors included. Survives failovers and outages; ends on SIGTERM or with its parent. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Cluster } from 'ioredis'
import { cachescope } from '../../client/index.ts'
import { Articles } from './articles.ts'
import { Catalog } from './catalog.ts'
import { openOrigin } from './origin.ts'
import { Pace } from './pace.ts'
import { readSettings } from './settings.ts'
import { isViral, VIRAL_ARTICLE } from './viral.ts'
import { createVisit } from './visit.ts'

const BEAT_MS = 20
/** While the cache does not answer, visitors wait; more than this many do not queue up. */
const MAX_IN_FLIGHT = 500
const REPORT_EVERY_MS = 10_000

const settings = readSettings(process.env)
const cluster = new Cluster(
  settings.nodes.map((node) => {
    const colon = node.lastIndexOf(':')
    return { host: node.slice(0, colon), port: Number(node.slice(colon + 1)) }
  }),
  {
    enableAutoPipelining: true,
    slotsRefreshInterval: 2_000,
    clusterRetryStrategy: () => 200,
    retryDelayOnClusterDown: 200,
    retryDelayOnFailover: 200,
    redisOptions: { commandTimeout: 2_000, connectTimeout: 1_000, connectionName: 'shop' },
  },
)
/** The one line that an application adds: its hot keys can be mitigated from the dashboard. */
const cache = cachescope(cluster, { app: 'shop' })
const origin = openOrigin(settings.databaseUrl)
const articles = new Articles(cache, origin, Math.random)
const visit = createVisit(cache, articles, new Catalog(cache, origin), Math.random)
const visits = new Pace()
const viralReads = new Pace()

let running = true
let inFlight = 0
let failures = 0
let lastFailure = ''

cluster.on('error', (error: Error) => {
  lastFailure = error.message
})

/** The caller never waits for it, as a web server does not wait for one visitor before it serves the next. */
function begin(action: () => Promise<unknown>): void {
  if (inFlight >= MAX_IN_FLIGHT) return
  inFlight++
  action()
    .catch((error: unknown) => {
      failures++
      lastFailure = error instanceof Error ? error.message : String(error)
    })
    .finally(() => {
      inFlight--
    })
}

function stop(): void {
  running = false
}
process.on('SIGTERM', stop)
process.on('SIGINT', stop)
process.on('disconnect', stop)

const report = setInterval(() => {
  if (failures > 0)
    console.error(`${failures} actions failed in ${REPORT_EVERY_MS / 1000} s, the last: ${lastFailure}`)
  failures = 0
}, REPORT_EVERY_MS)

let before = performance.now()
while (running) {
  await sleep(BEAT_MS)
  const now = performance.now()
  const elapsedMs = now - before
  before = now
  for (let due = visits.due(settings.visitsPerSec, elapsedMs); due > 0; due--) begin(visit)
  const viral = isViral(settings.viral, Date.now() - settings.startedAt)
  for (let due = viralReads.due(viral ? settings.viralReadsPerSec : 0, elapsedMs); due > 0; due--) {
    begin(() => articles.read(VIRAL_ARTICLE))
  }
}
clearInterval(report)
cache.disconnect()
await origin.close().catch(() => {})
process.exit(0)
