/** One endless burst in a process of its own, for a test to stop in the middle. argv: port, `limited` or `named`. */
import { startBurst } from '../../collector/monitor/burst.ts'
import { MonitorParser } from '../../collector/monitor/parser.ts'
import { parseCommandTable } from '../../core/hot-keys/command-keys.ts'
import { CollectingSink } from './monitor-lines.ts'
import { engineOf } from './parser-engine.ts'

const [port, opening] = process.argv.slice(2)
const table = parseCommandTable([['get', 2, ['readonly'], 1, 1, 1]])
const burst = startBurst(
  { host: '127.0.0.1', port: Number(port), tls: null, username: null, password: null },
  engineOf(new MonitorParser(table, new CollectingSink())),
  { ownAddresses: [], replica: false, primaryAddress: null },
  { windowMs: 600_000, maxLines: 1e9, maxBytes: 1e12, maxLagMs: 1e9 },
  Date.now,
  { limited: opening === 'limited', named: true },
)
const timer = setInterval(() => {
  if (!burst.isOpen) return
  clearInterval(timer)
  process.send?.({ clientId: burst.clientId })
}, 10)
process.once('disconnect', () => process.exit())
