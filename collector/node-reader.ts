/** Reads one node once: PING, INFO, the cluster's state, the slow log; leaves out what the user may not run. */
import type { CommandTable } from '../core/hot-keys/command-keys.ts'
import type { Millis } from '../core/sample.ts'
import type { Clock } from './clock.ts'
import type { CommandTables } from './command-tables.ts'
import { NodeFailure } from './connection/failure.ts'
import type { NodeConnection } from './connection/node-connection.ts'
import type { WatchingCost } from './hot-keys/source-types.ts'
import type { Logger } from './logger.ts'
import { emptyBill, type NodeBill } from './mitigations/node-bill.ts'
import type { NodeReading, OwnCost } from './reading.ts'
import { clusterInfoSource } from './sources/cluster.ts'
import { type InfoReading, infoSource, numberField } from './sources/info.ts'
import { pingSource } from './sources/ping.ts'
import { type SlowlogReading, slowlogSource, unknownCommands } from './sources/slowlog.ts'

/** The first look is short; when all of it is new, the rest is fetched. */
const SLOWLOG_FIRST = 16
const SLOWLOG_ALL = 128
const SLOWLOG_MAX_AGE_MS = 24 * 3_600_000
/** A refused source is asked again: rights change. */
const REFUSED_RETRY_MS = 60_000

export type SlowlogItem = Omit<SlowlogReading, 'atSeconds'> & { at: Millis; runId: string }

export class NodeReader {
  readonly #connection: NodeConnection
  readonly #tables: CommandTables
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #refusedUntil = new Map<string, number>()
  #table: { runId: string | null; table: CommandTable; asked: Set<string> } | null = null
  #lastEntry: { runId: string; entryId: number } | null = null

  constructor(connection: NodeConnection, tables: CommandTables, clock: Clock, logger: Logger) {
    this.#connection = connection
    this.#tables = tables
    this.#clock = clock
    this.#logger = logger
  }

  /**
   * @param watching,actions asked when INFO is about to be sent: what is billed while PING is on its way, INFO counts
   * @throws NodeFailure, also for a node that answers but loads its data or is held by a script
   */
  async read(
    isCluster: boolean,
    watching: () => Readonly<WatchingCost>,
    actions: () => Readonly<NodeBill> = emptyBill,
  ): Promise<{ reading: NodeReading; slowlog: SlowlogItem[] }> {
    const ping = await this.#ping()
    const own = this.#ownCost(watching(), actions())
    const pending = infoSource.read(this.#connection)
    const monotonicMs = this.#clock.monotonic()
    const at = this.#clock.now()
    const info = infoSource.parse(await pending)
    if (info.loading) throw new NodeFailure(loadingFailure(info, this.#connection.place.address))
    if (ping instanceof NodeFailure && ping.state !== 'denied' && ping.replyCode !== 'MASTERDOWN') throw ping

    const cluster = isCluster
      ? await this.#optional('CLUSTER INFO', () => clusterInfoSource.read(this.#connection))
      : null
    const table =
      info.role === 'replica' ? await this.#optional('COMMAND', () => this.commandTable(info.runId)) : null
    const slowlog = await this.#optional('SLOWLOG GET', () => this.#readSlowlog(info, at))
    return {
      reading: {
        at,
        monotonicMs,
        pingMs: ping instanceof NodeFailure ? null : ping,
        info,
        cluster: cluster === null ? null : clusterInfoSource.parse(cluster),
        table,
        own,
      },
      slowlog: slowlog ?? [],
    }
  }

  async #ping(): Promise<number | NodeFailure> {
    try {
      return pingSource.parse(await pingSource.read(this.#connection)).pingMs
    } catch (error) {
      if (error instanceof NodeFailure && error.replyCode !== null) return error
      throw error
    }
  }

  #ownCost(watching: Readonly<WatchingCost>, actions: Readonly<NodeBill>): OwnCost {
    const cost = this.#connection.cost
    const byCommand = new Map(this.#connection.sent)
    for (const [name, count] of [...watching.byCommand, ...actions.byCommand]) {
      byCommand.set(name, (byCommand.get(name) ?? 0) + count)
    }
    return {
      commands: cost.commands + actions.commands,
      bytesRead: cost.bytesRead + actions.bytesRead,
      bytesWritten: cost.bytesWritten + actions.bytesWritten,
      connections: cost.connections + watching.connections + actions.connections,
      byCommand,
      hits: watching.hits + actions.hits,
      misses: watching.misses + actions.misses,
      watchingCommands: watching.commands,
      watchingBytes: watching.bytes,
      watchingCpuUs: watching.cpuUs,
    }
  }

  /** A source that may be missing: its refusal is said once and it is left out for a while; null then. */
  async #optional<T>(name: string, read: () => Promise<T>): Promise<T | null> {
    if ((this.#refusedUntil.get(name) ?? 0) > this.#clock.monotonic()) return null
    try {
      const value = await read()
      this.#refusedUntil.delete(name)
      return value
    } catch (error) {
      if (!(error instanceof NodeFailure) || error.replyCode === null) throw error
      if (!this.#refusedUntil.has(name)) {
        const fields = { node: this.#connection.place.address, command: name, reply: error.replyCode }
        this.#logger.warn(fields, 'the node refuses a command: what it would tell is left out')
      }
      this.#refusedUntil.set(name, this.#clock.monotonic() + REFUSED_RETRY_MS)
      return null
    }
  }

  async #readSlowlog(info: InfoReading, now: Millis): Promise<SlowlogItem[]> {
    const table = await this.commandTable(info.runId)
    const runId = info.runId ?? ''
    const last = this.#lastEntry?.runId === runId ? this.#lastEntry.entryId : -1
    const read = async (count: number) => {
      const { reply } = await slowlogSource.read(this.#connection, { count, table })
      const extended = await this.commandTable(info.runId, unknownCommands({ reply, table }))
      return slowlogSource.parse({ reply, table: extended }).filter((entry) => entry.entryId > last)
    }
    let entries = await read(SLOWLOG_FIRST)
    if (entries.length === SLOWLOG_FIRST) entries = await read(SLOWLOG_ALL)
    const newest = entries.reduce((highest, entry) => Math.max(highest, entry.entryId), last)
    this.#lastEntry = { runId, entryId: newest }

    // An entry's time is the server's: moved to ours where the two clocks differ by more than a reading takes.
    const serverUs = numberField(info, 'server_time_usec')
    const skewMs = serverUs === null ? 0 : now - serverUs / 1_000
    const shiftMs = Math.abs(skewMs) > 60_000 ? Math.round(skewMs) : 0
    return entries
      .map(({ atSeconds, ...entry }) => ({ ...entry, at: atSeconds * 1_000 + shiftMs, runId }))
      .filter((entry) => now - entry.at < SLOWLOG_MAX_AGE_MS)
  }

  /**
   * Asked for once a run of the server: what it knows changes with its version and modules. Names that the table
   * does not list are asked for once each: COMMAND has a renamed command under its old name only.
   * @throws NodeFailure, or Error when the node does not answer COMMAND as a server does
   */
  async commandTable(runId: string | null, unknownNames: readonly string[] = []): Promise<CommandTable> {
    if (this.#table === null || this.#table.runId !== runId) {
      const reply = await this.#connection.callBuffer('COMMAND')
      this.#table = { runId, table: this.#tables.parse(reply), asked: new Set() }
    }
    const known = this.#table
    const names = unknownNames.filter((name) => !known.asked.has(name)).sort()
    if (names.length === 0) return known.table
    const reply = await this.#optional('COMMAND INFO', () =>
      this.#connection.callBuffer('COMMAND', 'INFO', ...names),
    )
    if (reply === null) return known.table
    for (const name of names) known.asked.add(name)
    known.table = this.#tables.extend(known.table, names, reply)
    return known.table
  }
}

function loadingFailure(info: InfoReading, address: string): { state: 'loading'; message: string } {
  const share = numberField(info, 'loading_loaded_perc')
  const seconds = numberField(info, 'loading_eta_seconds')
  const done = share === null ? '' : `: ${Math.floor(share)}% done`
  const left = seconds === null || seconds < 0 ? '' : `, about ${seconds} s left`
  return { state: 'loading', message: `${address} is reading its data from disk${done}${left}.` }
}
