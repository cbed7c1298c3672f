/** Hot keys of a window as rates: the share in the sample × what the node is measured to do. Pure. */
import type { HotKeySample } from '../sample.ts'
import { type CallRatios, callRatios, NO_RATIOS } from './call-ratios.ts'
import { currentSlices } from './change.ts'
import type { CommandKeys } from './command-keys.ts'
import { shareInterval } from './interval.ts'
import type { MergedKey, MergedWindow } from './window.ts'

/** A key seen less often says nothing about a rate: of many keys used alike some are seen three times by chance. */
const MIN_SEEN = 5
/**
 * The least share that a key surely has to be reported: below, it is no hotter than a key of a few hundred used
 * alike, and no mitigation of it would be felt by the node.
 */
const MIN_SHARE = 0.002
/** Of one that surely rose: in its first second little is sure of its share, and that it rose is what matters. */
const MIN_RISEN_SHARE = 0.001
const MAX_REPORTED_KEYS = 60

/** As HotKeySample has it; what MONITOR's stream cannot tell is null. */
export type HotKeyRate = Pick<HotKeySample, 'key' | 'db'> & {
  share: number
  shareLow: number
  shareHigh: number
  opsPerSec: number
  opsPerSecLow: number
  opsPerSecHigh: number
  readsPerSec: number
  writesPerSec: number
  topCommand: string
  cpuShare: null
  lfuCounter: null
}

/**
 * A key that surely is hotter or colder of late is told by its newest slices alone.
 * @param clientOpsPerSec of the node, see `clientRate`
 * @param callsPerCommand what the node counted, by the name of commandstats: what the sample saw too much or too
 *   little of, reads or writes, is scaled to it; empty where it is not known
 * @returns at most 60, by rate descending; none where all keys are used alike
 */
export function hotKeyRates(
  merged: Pick<MergedWindow, 'keys' | 'commands' | 'writeCommands' | 'others'>,
  commands: readonly CommandKeys[],
  clientOpsPerSec: number,
  callsPerCommand: ReadonlyMap<string, number> = new Map(),
): HotKeyRate[] {
  const ratios = callRatios(merged, commands, callsPerCommand) ?? NO_RATIOS
  return merged.keys
    .filter((key) => key.low >= MIN_SEEN)
    .flatMap((key) => rateOf(key, commands, clientOpsPerSec, ratios) ?? [])
    .sort((one, other) => other.opsPerSec - one.opsPerSec)
    .slice(0, MAX_REPORTED_KEYS)
}

/** @returns null where the key is not hot */
function rateOf(
  key: MergedKey,
  commands: readonly CommandKeys[],
  clientOpsPerSec: number,
  ratios: CallRatios,
): HotKeyRate | null {
  const { slices, hasRisen } = currentSlices(key.slices)
  const sampled = shareInterval(slices)
  const command = commands[key.command]
  const written = key.writes / key.low
  // A script declares keys to write, and is not of the commands that do.
  const isScript = command?.write === false && command.specs.some(({ write }) => write)
  const writes = written * (isScript ? ratios.read : ratios.write)
  const reads = (1 - written) * ratios.read
  const ratio = reads + writes
  const share = Math.min(1, sampled.share * ratio)
  const low = Math.min(1, sampled.low * ratio)
  const high = Math.min(1, sampled.high * ratio)
  if (share < MIN_SHARE || low < (hasRisen ? MIN_RISEN_SHARE : MIN_SHARE)) return null
  const opsPerSec = share * clientOpsPerSec
  const writesPerSec = (opsPerSec * writes) / ratio
  return {
    key: key.key,
    db: key.db,
    share,
    shareLow: low,
    shareHigh: high,
    opsPerSec,
    opsPerSecLow: low * clientOpsPerSec,
    opsPerSecHigh: high * clientOpsPerSec,
    readsPerSec: opsPerSec - writesPerSec,
    writesPerSec,
    topCommand: command?.name ?? '',
    cpuShare: null,
    lfuCounter: null,
  }
}

/**
 * The node's counter has what MONITOR never shows (administration), commands inside scripts, and on a replica what
 * replication brings. What is left are clients' commands: those that shares are of.
 */
export function clientRate(
  opsPerSec: number,
  callsPerCommand: ReadonlyMap<string, number>,
  commands: readonly CommandKeys[],
  seen: { commands: number; others: number },
): number {
  let visible = opsPerSec
  for (const command of commands) if (command.hidden) visible -= callsPerCommand.get(command.statName) ?? 0
  return (Math.max(0, visible) * seen.commands) / (seen.commands + seen.others)
}
