/** Hot keys of a window as rates: the share in the sample × what the node is measured to do. Pure. */
import type { HotKeySample } from '../sample.ts'
import { currentSlices } from './change.ts'
import type { CommandKeys } from './command-keys.ts'
import { shareInterval, total, totalUses } from './interval.ts'
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
/**
 * Those that come out as hot are the lucky ones of many that are a little less hot: by Bayes' rule, where the number
 * of keys falls with the square of their share (zipf 1), each has two uses more than its share would give it.
 */
const LUCKY_USES = 2

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
 * @param clientOpsPerSec of the node, see `clientRate`: the one factor of all keys, reads and writes alike. The
 *   node's counters of single commands are of other seconds than the slices: they would move shares unseen.
 * @returns at most 60, by rate descending; none where all keys are used alike
 */
export function hotKeyRates(
  merged: Pick<MergedWindow, 'keys'>,
  commands: readonly CommandKeys[],
  clientOpsPerSec: number,
): HotKeyRate[] {
  return merged.keys
    .filter((key) => key.low >= MIN_SEEN)
    .flatMap((key) => rateOf(key, commands, clientOpsPerSec) ?? [])
    .sort((one, other) => other.opsPerSec - one.opsPerSec)
    .slice(0, MAX_REPORTED_KEYS)
}

/** @returns null where the key is not hot */
function rateOf(
  key: MergedKey,
  commands: readonly CommandKeys[],
  clientOpsPerSec: number,
): HotKeyRate | null {
  const { slices, hasRisen } = currentSlices(key.slices)
  // Of most keys this is enough to know, and the interval is what costs.
  if (totalUses(slices) < MIN_SHARE * total(slices, 'commands')) return null
  // One that rose was not picked from among its like.
  const { share, low, high } = shareInterval(slices, hasRisen ? 0 : LUCKY_USES)
  if (low < (hasRisen ? MIN_RISEN_SHARE : MIN_SHARE)) return null
  const opsPerSec = share * clientOpsPerSec
  return {
    key: key.key,
    db: key.db,
    share,
    shareLow: low,
    shareHigh: high,
    opsPerSec,
    opsPerSecLow: low * clientOpsPerSec,
    opsPerSecHigh: high * clientOpsPerSec,
    ...readsAndWrites(opsPerSec, key.low - key.writes, key.writes),
    topCommand: commands[key.command]?.name ?? '',
    cpuShare: null,
    lfuCounter: null,
  }
}

/**
 * A rate in proportion to the reads and writes that were seen: zero is exactly zero, which it is not as the difference
 * of two rates.
 */
export function readsAndWrites(
  opsPerSec: number,
  reads: number,
  writes: number,
): Pick<HotKeyRate, 'readsPerSec' | 'writesPerSec'> {
  const all = reads + writes
  return { readsPerSec: (opsPerSec * reads) / all, writesPerSec: (opsPerSec * writes) / all }
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
