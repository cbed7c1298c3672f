/**
 * What the node counted against what the sample saw, for reads and writes apart. Bursts are a few hundredths of the
 * time: where writes come in waves they see too many or too few of them, and the node's own counters say so.
 */
import type { CommandKeys } from './command-keys.ts'

/** The share of such commands by the node's counters ÷ their share of the sample. */
export type CallRatios = { read: number; write: number }
export const NO_RATIOS: CallRatios = { read: 1, write: 1 }

/** Of fewer sampled commands the ratio is more noise than news. */
const MIN_SAMPLED = 200
/** Further apart, they do not speak of the same commands: the traffic has just changed, or names are not known. */
const MAX_RATIO = 2

type Sampled = { commands: number; writeCommands: number; others: number }

/** @returns null where counters and sample cannot be compared: scripts' and replicated commands are counted alike */
export function callRatios(
  sampled: Sampled,
  commands: readonly CommandKeys[],
  callsPerCommand: ReadonlyMap<string, number>,
): CallRatios | null {
  const sampledReads = sampled.commands - sampled.writeCommands
  if (sampled.others > 0 || Math.min(sampledReads, sampled.writeCommands) < MIN_SAMPLED) return null
  let reads = 0
  let writes = 0
  for (const { hidden, write, statName } of commands) {
    const calls = hidden ? 0 : (callsPerCommand.get(statName) ?? 0)
    if (write) writes += calls
    else reads += calls
  }
  if (reads <= 0 || writes <= 0) return null
  const read = reads / (reads + writes) / (sampledReads / sampled.commands)
  const write = writes / (reads + writes) / (sampled.writeCommands / sampled.commands)
  const isFar = (ratio: number) => ratio > MAX_RATIO || ratio < 1 / MAX_RATIO
  return isFar(read) || isFar(write) ? null : { read, write }
}
