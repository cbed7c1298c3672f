/**
 * What the collector does to one node, in a process of its own and without Postgres: told to start and to stop by its
 * parent, it tells what its watching says of itself.
 */
import { CacheWatcher } from '../../collector/cache-watcher.ts'
import { systemClock } from '../../collector/clock.ts'
import { CommandTables } from '../../collector/command-tables.ts'
import { createMonitorSource } from '../../collector/monitor/monitor-source.ts'
import { parseConfig } from '../../core/config.ts'
import type { Watching } from '../../core/model.ts'

export type WatchingOrder = { kind: 'start'; url: string } | { kind: 'stop' }
export type WatchingNews =
  | { kind: 'stopped' }
  | { kind: 'watching'; watching: Watching; refusal: string | null }

const TELL_MS = 250
const quiet = () => {}
const logger = { debug: quiet, info: quiet, warn: quiet, error: quiet }
let watcher: CacheWatcher | null = null
let timer: NodeJS.Timeout | null = null

process.on('message', (order: WatchingOrder) => void follow(order))
process.once('disconnect', () => process.exit())

async function follow(order: WatchingOrder): Promise<void> {
  if (timer) clearInterval(timer)
  await watcher?.stop()
  watcher = null
  if (order.kind === 'stop') return tell({ kind: 'stopped' })
  const yaml = `caches: [{ name: bench, kind: standalone, nodes: ['${order.url}'] }]`
  const [cache] = parseConfig(yaml, {}).caches
  if (!cache) throw new Error('the configuration names no cache')
  watcher = new CacheWatcher({
    cache,
    credentials: { username: null, password: null, tls: null },
    previous: null,
    onTopology: quiet,
    hotKeyPause: () => null,
    createHotKeySource: createMonitorSource,
    tables: new CommandTables(),
    clock: systemClock,
    logger,
  })
  watcher.start()
  timer = setInterval(() => {
    for (const { watching, hotKeysRefusal } of watcher?.drain().statuses ?? []) {
      if (watching) tell({ kind: 'watching', watching, refusal: hotKeysRefusal })
    }
  }, TELL_MS)
}

function tell(news: WatchingNews): void {
  process.send?.(news)
}
