/** Every threshold of the verdict, once: docs/mitigations.md has the same table. */
import type { Mitigation } from './model.ts'
import { PARAMETERS } from './parameters.ts'

/** It worked when at least this share of what was predicted came true, measured against what would be without it. */
export const WORKED_SHARE = 0.5

/** The names of a split are even up to this. */
export const EVEN_MAX_OVER_MEAN = 1.5

/** Demand that fell to this share of what it was proves nothing: the key has cooled. */
export const FADED_SHARE = 0.2
/** Nor does a key that is asked for less often than this. */
export const MIN_DEMAND_PER_SEC = 5

/** Each must be clearly worse than before, by its factor and by its amount, with the growth of the key's demand and of the cache's allowed for. */
export const HARM = {
  /** What it is for certain, against the most that it can have been; not of fewer timed reads, before or after. */
  p99: { factor: 3, us: 5_000, reads: 500 },
  missesPerSec: { factor: 2, perSec: 20 },
  errorsPerSec: { factor: 2, perSec: 5 },
  /** Of the reads that the library handles. */
  libraryErrors: { shareOfReads: 0.01, perSec: 1 },
  cpuShare: { more: 0.15, from: 0.5 },
  /** Copies that differ from their key without a break: two leases of the policy. */
  divergedMs: 60_000,
} as const

/** All commands of the cache changed by no more than this: what got better is not only what is asked for less. */
export const LOAD_MOVED_SHARE = 0.1
/** The shards alone tell of copies where the key is asked for about as often as before. */
export const UNFADED_SHARE = 0.8

/** An action on the servers has an effect when the figure that it aims at got better by this share. */
export const SERVER_EFFECT_SHARE = 0.1

/** A client was killed for its output buffer when it held so much; else for its commands. */
export const BIG_OUTPUT_BYTES = 1_048_576
/** What a client or a user asked for can be told in the load of all shards when it was this share of it. */
export const TOLD_SHARE_OF_LOAD = 0.1

/** Writes were held back when no more than this share of the changes of before came while they were. */
export const PAUSED_SHARE = 0.1
/** They are back when the server counts this share of the changes of before. */
export const BACK_SHARE = 0.5

/** A pause is compared with as long before and after it: it needs no longer, and not less than a few samples. */
const MIN_PAUSE_WINDOW_MS = 10_000
export function proofWindowMs(
  { action, parameters }: Pick<Mitigation, 'action' | 'parameters'>,
  configuredMs: number,
): number {
  if (action !== 'pause-writes') return configuredMs
  const { pauseSeconds } = PARAMETERS[action].parse(parameters)
  return Math.min(configuredMs, Math.max(MIN_PAUSE_WINDOW_MS, pauseSeconds * 1_000))
}
