/**
 * What a replica ran because its primary did. `total_commands_processed` and commandstats count it like the commands
 * of clients, so a shard's load would have every write once more for each replica. Pure.
 */
import type { CommandTable } from '../core/hot-keys/command-keys.ts'
import type { NodeRole } from '../core/model.ts'

/** One command's rate as commandstats has it, without what we sent. */
type CommandRate = { command: string; callsPerSec: number; usPerCall: number | null }
export type ReplicatedRate = { callsPerSec: number; usPerSec: number }

const NONE: ReplicatedRate = { callsPerSec: 0, usPerSec: 0 }
/** They wrap the primary's writes; a client's transaction or SELECT at a replica is told from them by no counter. */
const AROUND_WRITES = new Set(['multi', 'exec', 'select'])
/** `repl-ping-replica-period` where nobody changed it; what is above it are health checks of clients. */
const PRIMARY_PINGS_PER_SEC = 0.1

/**
 * A replica's clients do not write, but for the few that are set to `replica-read-only no`: their local writes
 * are counted as the primary's.
 *
 * @param table the node's command table, for which commands write
 * @param isCluster then PUBLISH goes by the cluster's bus, and what is counted are clients' calls
 * @returns null when it cannot be told: a replica without command table or commandstats
 */
export function replicatedRate(
  role: NodeRole,
  table: CommandTable | null,
  isCluster: boolean,
  rates: readonly CommandRate[],
): ReplicatedRate | null {
  if (role !== 'replica') return NONE
  if (table === null || rates.length === 0) return null
  const writing = new Set(table.commands.filter(({ write }) => write).map(({ statName }) => statName))
  const writesPerSec = rates.reduce(
    (sum, { command, callsPerSec }) => sum + (writing.has(command) ? callsPerSec : 0),
    0,
  )
  const total = { ...NONE }
  for (const { command, callsPerSec, usPerCall } of rates) {
    const replicated = Math.min(callsPerSec, mostFromPrimary(command))
    total.callsPerSec += replicated
    total.usPerSec += replicated * (usPerCall ?? 0)
  }
  return total

  function mostFromPrimary(command: string): number {
    if (writing.has(command) || command === 'replconf') return Number.POSITIVE_INFINITY
    if (AROUND_WRITES.has(command)) return writesPerSec
    if (command === 'ping') return PRIMARY_PINGS_PER_SEC
    return command === 'publish' && !isCluster ? Number.POSITIVE_INFINITY : 0
  }
}
