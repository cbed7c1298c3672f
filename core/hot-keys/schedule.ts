/** How much of its budget a node is given now: all of it where something happens, little where nothing does. */

export type ScheduleFacts = {
  opsPerSec: number
  /** Of the other shards' primaries, on average; null where there are none. */
  siblingOpsPerSec: number | null
  /** Since another key came to the top; null when none has. */
  topKeyMovedMsAgo: number | null
}

/** Below it a node is quiet: whatever is hot there is hot on nobody's account. */
const BUSY_OPS_PER_SEC = 200
/** A quiet node is looked at about once a second. */
const LEAST = 0.1
/** Of a shard that does what its siblings do. */
const LEVEL = 0.5
/** So much above its siblings a shard has left them. */
const LEAVES_SIBLINGS = 1.3
const MOVED_MS = 30_000

/** @returns the share of the budget to spend, 0 to 1 */
export function attention(facts: ScheduleFacts): number {
  const { opsPerSec, siblingOpsPerSec, topKeyMovedMsAgo } = facts
  const busy = Math.min(1, Math.max(LEAST, opsPerSec / BUSY_OPS_PER_SEC))
  if (siblingOpsPerSec === null) return busy
  const hasMoved = topKeyMovedMsAgo !== null && topKeyMovedMsAgo < MOVED_MS
  const leaves = opsPerSec > siblingOpsPerSec * LEAVES_SIBLINGS
  return hasMoved || leaves ? busy : Math.max(LEAST, busy * LEVEL)
}

/** Between two bursts of a node that gets all of its budget: a new connection more often would be a burden. */
const MIN_GAP_MS = 100

/**
 * How long to wait after a burst: its cost is then the share of the time since it began that the budget and the
 * attention allow. Drawn at random around that mean, so that no rhythm of the traffic is always hit or always missed.
 * @param budget of the node's time, 0 to 1
 * @param random in [0, 1)
 */
export function gapMs(
  costUs: number,
  windowMs: number,
  budget: number,
  given: number,
  random: number,
): number {
  const mean = Math.max(MIN_GAP_MS / given, costUs / 1_000 / (budget * given) - windowMs)
  return mean * (0.7 + 0.6 * random)
}
