/** INFO, whole: one reading of everything that a server counts. Redis 2.8 to 8, Valkey, Dragonfly alike. */
import type { NodeRole } from '../../core/model.ts'
import { withoutForeignErrors } from './error-codes.ts'
import type { Source } from './source.ts'

export type CommandStats = {
  calls: number
  usec: number
  rejectedCalls: number | null
  failedCalls: number | null
  p50Us: number | null
  p99Us: number | null
  p999Us: number | null
}
export type Keyspace = { db: number; keys: number; expires: number; avgTtlMs: number | null }
export type ReplicaLine = { address: string; offset: number; lagSeconds: number | null; online: boolean }
export type InfoReading = {
  /** Whole, but for the codes of errors that only scripts give. */
  text: string
  /** Every `name:value` line, the last one of a name. */
  fields: ReadonlyMap<string, string>
  role: NodeRole
  engine: string
  version: string | null
  runId: string | null
  loading: boolean
  /** By lower-case name: `get`, `xinfo|stream`. */
  commands: ReadonlyMap<string, CommandStats>
  keyspaces: Keyspace[]
  /** A primary's view of its replicas. */
  replicas: ReplicaLine[]
  /** A replica's primary as it knows it. */
  primary: { host: string; port: number; linkUp: boolean } | null
}

export const infoSource: Source<string, InfoReading> = {
  name: 'info',
  // "everything" brings command statistics and modules, which plain INFO leaves out; servers before 7 know it too.
  read: async (node) => String(await node.call('INFO', 'everything')),
  parse: parseInfo,
}

export function parseInfo(reply: string): InfoReading {
  const text = withoutForeignErrors(reply)
  const fields = new Map<string, string>()
  const commands = new Map<string, CommandStats>()
  const percentiles = new Map<string, Record<string, number>>()
  const keyspaces: Keyspace[] = []
  const replicas: ReplicaLine[] = []
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':')
    if (colon <= 0 || line.startsWith('#')) continue
    const name = line.slice(0, colon)
    const value = line.slice(colon + 1).replace(/\r$/, '')
    if (name.startsWith('cmdstat_')) addCommand(commands, commandOf(name, 8), pairs(value))
    else if (name.startsWith('latency_percentiles_usec_')) percentiles.set(commandOf(name, 25), pairs(value))
    else if (/^db\d+$/.test(name)) keyspaces.push(keyspace(Number(name.slice(2)), pairs(value)))
    else if (/^slave\d+$/.test(name)) addReplica(replicas, value)
    else fields.set(name, value)
  }
  for (const [name, values] of percentiles) {
    const command = commands.get(name)
    if (!command) continue
    command.p50Us = values.p50 ?? null
    command.p99Us = values.p99 ?? null
    command.p999Us = values['p99.9'] ?? null
  }
  const isValkey = fields.has('valkey_version') || fields.get('server_name') === 'valkey'
  return {
    text,
    fields,
    role: fields.get('role') === 'slave' ? 'replica' : 'primary',
    engine: isValkey ? 'valkey' : 'redis',
    version: fields.get('valkey_version') ?? fields.get('redis_version') ?? null,
    runId: fields.get('run_id') ?? null,
    loading: fields.get('loading') === '1',
    commands,
    keyspaces,
    replicas,
    primary: primaryOf(fields),
  }
}

/** A module's commands stand there as it wrote them (`VADD`), all others in lower case. */
const commandOf = (name: string, prefix: number): string => name.slice(prefix).toLowerCase()

/** A field as a number; null where it is absent or none. */
export function numberField(info: Pick<InfoReading, 'fields'>, name: string): number | null {
  const text = info.fields.get(name)
  if (text === undefined || text === '') return null
  const value = Number(text)
  return Number.isFinite(value) ? value : null
}

function pairs(text: string): Record<string, number> {
  const values: Record<string, number> = {}
  for (const pair of text.split(',')) {
    const equals = pair.indexOf('=')
    const value = Number(pair.slice(equals + 1))
    if (equals > 0 && Number.isFinite(value)) values[pair.slice(0, equals)] = value
  }
  return values
}

function addCommand(commands: Map<string, CommandStats>, name: string, values: Record<string, number>): void {
  if (values.calls === undefined || values.usec === undefined) return
  commands.set(name, {
    calls: values.calls,
    usec: values.usec,
    rejectedCalls: values.rejected_calls ?? null,
    failedCalls: values.failed_calls ?? null,
    p50Us: null,
    p99Us: null,
    p999Us: null,
  })
}

function keyspace(db: number, values: Record<string, number>): Keyspace {
  return { db, keys: values.keys ?? 0, expires: values.expires ?? 0, avgTtlMs: values.avg_ttl ?? null }
}

/** `ip=10.0.0.2,port=6379,state=online,offset=14,lag=0`; before 2.8 `ip,port,state`, which is left out. */
function addReplica(replicas: ReplicaLine[], text: string): void {
  const values = new Map(
    text.split(',').map((pair) => {
      const equals = pair.indexOf('=')
      return [pair.slice(0, equals), pair.slice(equals + 1)] as const
    }),
  )
  const ip = values.get('ip')
  const port = values.get('port')
  if (!ip || !port) return
  const lag = Number(values.get('lag') ?? Number.NaN)
  replicas.push({
    address: formatAddress(ip, Number(port)),
    offset: Number(values.get('offset') ?? 0),
    lagSeconds: Number.isFinite(lag) && lag >= 0 ? lag : null,
    online: values.get('state') === 'online',
  })
}

function primaryOf(fields: Map<string, string>): InfoReading['primary'] {
  const host = fields.get('master_host')
  const port = Number(fields.get('master_port'))
  if (fields.get('role') !== 'slave' || !host || !Number.isInteger(port) || port < 1) return null
  return { host, port, linkUp: fields.get('master_link_status') === 'up' }
}

export function formatAddress(host: string, port: number): string {
  return `${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port}`
}
