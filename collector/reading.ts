/** One reading of one node, and what becomes of it against the reading before: a sample, pure and typed. */
import type { CommandTable } from '../core/hot-keys/command-keys.ts'
import type { NodeMetrics } from '../core/metrics.ts'
import { type CounterDiff, type CounterReading, diffCounters, withoutOwn } from '../core/rates.ts'
import type { CommandSample, KeyspaceSample, Millis } from '../core/sample.ts'
import { replicatedRate } from './replication-stream.ts'
import type { ClusterState } from './sources/cluster.ts'
import { type CommandStats, type InfoReading, numberField } from './sources/info.ts'

/** What we cost the node since we know it, as counted when its INFO was asked for; only ever grows. */
export type OwnCost = {
  commands: number
  bytesRead: number
  bytesWritten: number
  /** Ours, MONITOR's included. */
  connections: number
  /** By the name of commandstats, MONITOR's included. */
  byCommand: ReadonlyMap<string, number>
  /** Keyspace hits and misses that our commands added. */
  hits: number
  misses: number
  /** Watching hot keys, but for what goes over the ordinary connection. */
  watchingCommands: number
  watchingBytes: number
  watchingCpuUs: number
}

export type NodeReading = {
  /** Wall clock. */
  at: Millis
  /** A clock that never steps, in milliseconds. */
  monotonicMs: number
  pingMs: number | null
  info: InfoReading
  cluster: ClusterState | null
  /** A replica's, to know which commands write; null on a primary, and where the node refuses COMMAND. */
  table: CommandTable | null
  own: OwnCost
}

export type ShapedReading = {
  diff: CounterDiff
  metrics: NodeMetrics
  commands: Omit<CommandSample, 'cacheId' | 'address' | 'at'>[]
  keyspaces: Omit<KeyspaceSample, 'cacheId' | 'address' | 'at'>[]
  /** All that the node runs but for what we send: of clients, and on a replica of its primary. Per second. */
  executedPerSec: number | null
  /** The same by the name of commandstats. */
  callsPerCommand: Map<string, number>
  /** Of the commands in `executedPerSec`. */
  inputBytesPerCommand: number | null
}

export function shapeReading(previous: NodeReading | null, current: NodeReading): ShapedReading {
  const { info } = current
  const diff = diffCounters(previous && countersOf(previous), countersOf(current))
  const own = ownDeltas(previous, current)
  const rate = diff.perSecond
  const seconds = (diff.elapsedMs ?? 0) / 1_000
  const known = diff.elapsedMs !== null && diff.break === null && seconds > 0
  const commands = known && previous ? commandRates(previous, current, seconds) : []

  const executed = withoutOwn(diff.deltas.commands ?? null, own.commands)
  const clientInput = withoutOwn(diff.deltas.netIn ?? null, own.bytesWritten)
  const perSecond = (delta: number | null) => (delta === null || !known ? null : delta / seconds)
  const executedPerSec = perSecond(executed)
  const replicated = replicatedRate(
    info.role,
    current.table,
    info.fields.get('cluster_enabled') === '1',
    commands.map(({ sample }) => sample),
  )
  const cpuUs = commands.reduce((sum, command) => sum + command.ownUs, own.watchingCpuUs)
  const keyspaces = info.keyspaces
  const metrics: NodeMetrics = {
    opsPerSec: withoutReplicated(executedPerSec, replicated?.callsPerSec),
    hitsPerSec: perSecond(withoutOwn(diff.deltas.hits ?? null, own.hits)),
    missesPerSec: perSecond(withoutOwn(diff.deltas.misses ?? null, own.misses)),
    expiredPerSec: rate.expired ?? null,
    evictedPerSec: rate.evicted ?? null,
    netInBytesPerSec: perSecond(clientInput),
    netOutBytesPerSec: perSecond(withoutOwn(diff.deltas.netOut ?? null, own.bytesRead)),
    connectionsPerSec: perSecond(withoutOwn(diff.deltas.connections ?? null, own.connections)),
    rejectedPerSec: rate.rejected ?? null,
    errorsPerSec: rate.errors ?? null,
    commandUsPerSec: withoutReplicated(rate.commandUs ?? null, replicated?.usPerSec),
    cpuShare: rate.cpuUs === null || rate.cpuUs === undefined ? null : rate.cpuUs / 1_000_000,
    usedMemoryBytes: numberField(info, 'used_memory'),
    maxMemoryBytes: numberField(info, 'maxmemory'),
    rssBytes: numberField(info, 'used_memory_rss'),
    connectedClients: numberField(info, 'connected_clients'),
    blockedClients: numberField(info, 'blocked_clients'),
    pingMs: current.pingMs,
    lagBytes: null,
    lagSeconds: null,
    keys: keyspaces.reduce((sum, one) => sum + one.keys, 0),
    expires: keyspaces.reduce((sum, one) => sum + one.expires, 0),
    ownCommandsPerSec: perSecond(own.commands),
    ownBytesPerSec: perSecond(own.bytesRead + own.bytesWritten),
    // The server's own time for the commands that we sent, by its commandstats, plus that of MONITOR's bursts, by the
    // cost model as INFO cpu corrects it. The system's share of reading and writing our ordinary socket is not in it.
    ownCpuShare: known ? cpuUs / 1_000_000 / seconds : null,
  }
  return {
    diff,
    metrics,
    commands: commands.filter((command) => command.isActive).map((command) => command.sample),
    keyspaces,
    executedPerSec,
    callsPerCommand: new Map(commands.map(({ sample }) => [sample.command, sample.callsPerSec])),
    inputBytesPerCommand:
      clientInput === null || executed === null || executed < 1 ? null : clientInput / executed,
  }
}

function withoutReplicated(perSecond: number | null, replicated: number | undefined): number | null {
  return perSecond === null || replicated === undefined ? null : Math.max(0, perSecond - replicated)
}

function countersOf(reading: NodeReading): CounterReading {
  const { info } = reading
  const field = (name: string) => numberField(info, name)
  const sum = (a: number | null, b: number | null) => (a === null || b === null ? null : a + b)
  const mainThread = sum(field('used_cpu_sys_main_thread'), field('used_cpu_user_main_thread'))
  const cpuSeconds = mainThread ?? sum(field('used_cpu_sys'), field('used_cpu_user'))
  // EXEC's time is that of the commands in it, which are counted by themselves. So are those of a script, but most of its
  // time is its own: without it a busy server would seem idle.
  const usecs = [...info.commands].flatMap(([name, { usec }]) => (name === 'exec' ? [] : [usec]))
  return {
    atMs: reading.monotonicMs,
    runId: info.runId,
    uptimeSeconds: field('uptime_in_seconds'),
    role: info.role,
    counters: {
      commands: field('total_commands_processed'),
      hits: field('keyspace_hits'),
      misses: field('keyspace_misses'),
      expired: field('expired_keys'),
      evicted: field('evicted_keys'),
      netIn: field('total_net_input_bytes'),
      netOut: field('total_net_output_bytes'),
      connections: field('total_connections_received'),
      rejected: field('rejected_connections'),
      errors: field('total_error_replies'),
      commandUs: usecs.length === 0 ? null : usecs.reduce((total, usec) => total + usec, 0),
      cpuUs: cpuSeconds === null ? null : cpuSeconds * 1_000_000,
    },
  }
}

/** @returns growth of our cost between the two; zero without a reading before */
function ownDeltas(previous: NodeReading | null, current: NodeReading) {
  const before = previous?.own ?? current.own
  const { own } = current
  const watchedBytes = own.watchingBytes - before.watchingBytes
  return {
    commands: own.commands - before.commands + own.watchingCommands - before.watchingCommands,
    // MONITOR moves next to nothing towards the node.
    bytesRead: own.bytesRead - before.bytesRead + watchedBytes,
    bytesWritten: own.bytesWritten - before.bytesWritten,
    connections: own.connections - before.connections,
    hits: own.hits - before.hits,
    misses: own.misses - before.misses,
    watchingCpuUs: own.watchingCpuUs - before.watchingCpuUs,
  }
}

type CommandRate = { sample: ShapedReading['commands'][number]; isActive: boolean; ownUs: number }

function commandRates(previous: NodeReading, current: NodeReading, seconds: number): CommandRate[] {
  const rates: CommandRate[] = []
  for (const [command, stats] of current.info.commands) {
    const rate = commandRate(command, previous.info.commands.get(command), stats, previous, current, seconds)
    if (rate) rates.push(rate)
  }
  return rates
}

function commandRate(
  command: string,
  before: CommandStats | undefined,
  now: CommandStats,
  previous: NodeReading,
  current: NodeReading,
  seconds: number,
): CommandRate | null {
  const calls = now.calls - (before?.calls ?? 0)
  const usec = now.usec - (before?.usec ?? 0)
  // A command that was not there before may be an old one whose statistics were just reset: told by its going back.
  if (calls < 0 || usec < 0) return null
  const ownCalls = Math.min(calls, ownCount(current, command) - ownCount(previous, command))
  const clientCalls = calls - ownCalls
  const growth = (name: 'failedCalls' | 'rejectedCalls') => {
    const value = now[name]
    return value === null ? null : Math.max(0, value - (before?.[name] ?? 0)) / seconds
  }
  const failedPerSec = growth('failedCalls')
  const rejectedPerSec = growth('rejectedCalls')
  return {
    isActive: clientCalls > 0 || (failedPerSec ?? 0) > 0 || (rejectedPerSec ?? 0) > 0,
    ownUs: calls === 0 ? 0 : (usec / calls) * ownCalls,
    sample: {
      command,
      callsPerSec: clientCalls / seconds,
      usPerCall: calls === 0 ? null : usec / calls,
      failedPerSec,
      rejectedPerSec,
      p50Us: now.p50Us,
      p99Us: now.p99Us,
      p999Us: now.p999Us,
    },
  }
}

/** Before Redis 7 the subcommands of one container are counted together: `slowlog`, not `slowlog|get`. */
function ownCount(reading: NodeReading, command: string): number {
  const exact = reading.own.byCommand.get(command)
  if (exact !== undefined) return exact
  let count = 0
  for (const [name, sent] of reading.own.byCommand) if (name.startsWith(`${command}|`)) count += sent
  return count
}
