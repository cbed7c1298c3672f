/**
 * A collector as a process of its own. It tells every point at which it may be killed, and lets a mitigation stand still
 * at one for good: what would come next never does. Killed then, it leaves what a kill -9 at that point leaves; and one
 * process stands still at as many points as it has mitigations.
 * Usage: node mitigation-process.ts <json: MitigationProcess>
 */
import { writeSync } from 'node:fs'
import { systemClock } from '../../collector/clock.ts'
import { Collector } from '../../collector/collector.ts'
import { createHotKeyLadder } from '../../collector/hot-keys/ladder.ts'
import { createLogger } from '../../collector/logger.ts'
import { parseConfig } from '../../core/config.ts'
import { openStore } from '../../store/client.ts'
import { until } from './redis.ts'

export type MitigationProcess = {
  databaseUrl: string
  yaml: string
  lease: { ttlMs: number; renewMs: number }
  /** By the label of a mitigation: the point at which it stands still. */
  stops: Record<string, string>
  /** What an address is called in points; others are `#`. */
  names: Record<string, string>
}

const { databaseUrl, yaml, lease, stops, names } = JSON.parse(process.argv[2] ?? '{}') as MitigationProcess
/** By label and point, how often it was come to. */
const counts = new Map<string, number>()
const still = new Set<string>()
const never = new Promise<void>(() => {})
const tell = (...words: string[]) => writeSync(1, `${words.join('\t')}\n`)

/** @returns its name, with how often it was come to from the second time on */
function come(label: string, point: string): string {
  const id = `${label}\t${point}`
  const count = (counts.get(id) ?? 0) + 1
  counts.set(id, count)
  return count === 1 ? point : `${point} (${count})`
}

const collector = new Collector({
  collectorId: `child-${process.pid}`,
  version: '0.0.0',
  config: parseConfig(yaml, {}),
  tls: new Map(),
  store: openStore(databaseUrl),
  createHotKeySource: createHotKeyLadder,
  clock: systemClock,
  logger: createLogger('silent', 'child'),
  lease,
  checkpoint: ({ label, isShared, phase, at }) => {
    const owner = isShared ? `shared ${label}` : label
    if (still.has(owner) || still.has(`shared ${label}`)) return never
    const place = at
      .replace(/\d+\.\d+\.\d+\.\d+:\d+/g, (address) => names[address] ?? '#')
      .replace(/\b[0-9a-f]{40}\b/g, 'id')
    const point = come(label, `${isShared ? 'shared' : phase}: ${place}`)
    tell('point', label, point)
    if (point !== stops[label]) return
    still.add(owner)
    tell('still', label, point)
    return never
  },
})
// The test that has started it may be gone.
process.once('disconnect', () => process.exit(0))
// As the process does: a Postgres that is full or late is waited for.
await until('PostgreSQL takes it', async () => {
  await collector.start()
  return true
})
tell('started')
