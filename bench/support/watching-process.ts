/**
 * What the collector does to one node, in a process of its own and without Postgres. Its parent says when MONITOR
 * rests and when it goes on; it tells what its watching says of itself. argv: the node's URL.
 */
import { CacheWatcher } from '../../collector/cache-watcher.ts'
import { systemClock } from '../../collector/clock.ts'
import { CommandTables } from '../../collector/command-tables.ts'
import { createHotKeyLadder } from '../../collector/hot-keys/ladder.ts'
import { parseConfig } from '../../core/config.ts'
import type { Watching } from '../../core/model.ts'

export type WatchingOrder = { kind: 'watch' | 'rest' }
export type WatchingNews = { kind: 'done' } | { kind: 'watching'; watching: Watching }

const TELL_MS = 250
/** A reporter asks every second whether it may go on. */
const HEARD_MS = 1_100
const quiet = () => {}
const [cache] = parseConfig(
  `caches: [{ name: bench, kind: standalone, nodes: ['${process.argv[2]}'] }]`,
  {},
).caches
if (!cache) throw new Error('the configuration names no cache')
let isResting = true
const watcher = new CacheWatcher({
  cache,
  credentials: { username: null, password: null, tls: null },
  previous: null,
  onTopology: quiet,
  hotKeyPause: () => (isResting ? 'The benchmark measures the node without MONITOR.' : null),
  createHotKeySource: createHotKeyLadder,
  tables: new CommandTables(),
  clock: systemClock,
  logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
})
watcher.start()
setInterval(() => {
  for (const { watching } of watcher.drain().statuses) if (watching) tell({ kind: 'watching', watching })
}, TELL_MS)
process.on('message', (order: WatchingOrder) => {
  isResting = order.kind === 'rest'
  setTimeout(() => tell({ kind: 'done' }), HEARD_MS)
})
process.once('disconnect', () => void watcher.stop().then(() => process.exit()))

function tell(news: WatchingNews): void {
  process.send?.(news)
}
