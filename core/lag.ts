/** How far a replica is behind its primary, from what both said at nearly the same time. */

/** A primary's replication offset when it was read. */
export type OffsetReading = { atMs: number; offset: number; replicationId: string }

/** What a replica said. */
export type ReplicaReading = {
  atMs: number
  offset: number | null
  replicationId: string | null
  linkUp: boolean
  /** `master_link_down_since_seconds`; -1 or null: it was never up. */
  linkDownSeconds: number | null
  /** `master_last_io_seconds_ago` */
  lastIoSeconds: number | null
  uptimeSeconds: number | null
}

export type Lag = { bytes: number | null; seconds: number | null }

/** A replica acknowledges once a second, so an age of one is what a healthy one shows. */
const NORMAL_ACK_AGE_SECONDS = 1
/** A primary with nothing to say pings its replicas every 10 s (`repl-ping-replica-period`). */
const QUIET_LINK_SECONDS = 11
/** How far a primary's offset may be carried on from its readings. */
const MAX_EXTRAPOLATION_MS = 5_000

/**
 * Bytes: the primary's offset at the time of the replica's reading, interpolated, less the replica's.
 * Seconds: the largest of the age of the stream position that the replica has reached, the time since its last
 * acknowledgement as the primary sees it (`lag=`), and, when the link is down, since when. Without news from the
 * primary, the silence on the link counts, once it is longer than a quiet link's.
 *
 * @param history the primary's readings, oldest first
 * @param ackAgeSeconds `lag=` of this replica in the primary's INFO; null when not known
 */
export function measureLag(
  history: readonly OffsetReading[],
  replica: ReplicaReading,
  ackAgeSeconds: number | null,
): Lag {
  const comparable = history.filter((reading) => reading.replicationId === replica.replicationId)
  const head = offsetAt(comparable, replica.atMs)
  const bytes =
    head === null || replica.offset === null ? null : Math.max(0, Math.round(head - replica.offset))
  return { bytes, seconds: lagSeconds(comparable, replica, ackAgeSeconds, bytes) }
}

function lagSeconds(
  history: readonly OffsetReading[],
  replica: ReplicaReading,
  ackAgeSeconds: number | null,
  bytes: number | null,
): number | null {
  if (!replica.linkUp) {
    const since = replica.linkDownSeconds
    return since !== null && since >= 0 ? since : replica.uptimeSeconds
  }
  const silence = ackAgeSeconds ?? replica.lastIoSeconds
  const normal = ackAgeSeconds === null ? QUIET_LINK_SECONDS : NORMAL_ACK_AGE_SECONDS
  const age =
    bytes === null || replica.offset === null ? null : positionAge(history, replica.atMs, replica.offset)
  if (silence === null) return age
  return Math.max(silence <= normal ? 0 : silence, age ?? 0)
}

/** The primary's offset at a time, between or just after its readings; null when it has none near. */
function offsetAt(history: readonly OffsetReading[], atMs: number): number | null {
  const after = history.find((reading) => reading.atMs >= atMs)
  const before = history.findLast((reading) => reading.atMs <= atMs)
  if (before && after) {
    const span = after.atMs - before.atMs
    const part = span === 0 ? 0 : (atMs - before.atMs) / span
    return before.offset + part * (after.offset - before.offset)
  }
  const near = before ?? after
  if (!near || Math.abs(atMs - near.atMs) > MAX_EXTRAPOLATION_MS) return null
  const [first, second] = before ? history.slice(-2) : history.slice(0, 2)
  if (!first || !second || second.atMs === first.atMs) return near.offset
  const perMs = Math.max(0, (second.offset - first.offset) / (second.atMs - first.atMs))
  return near.offset + perMs * (atMs - near.atMs)
}

/** How long ago the primary was where the replica is now; at least the length of the history when longer ago. */
function positionAge(history: readonly OffsetReading[], atMs: number, offset: number): number {
  const passed = history.findIndex((reading) => reading.offset > offset)
  if (passed < 0) return 0
  const later = history[passed] as OffsetReading
  const earlier = history[passed - 1]
  let reachedMs = later.atMs
  // Equal to the earlier one: the primary may have stood still until just before the later, which is all we know.
  if (earlier && offset > earlier.offset) {
    const part = (offset - earlier.offset) / (later.offset - earlier.offset)
    reachedMs = earlier.atMs + part * (later.atMs - earlier.atMs)
  }
  return Math.max(0, (atMs - reachedMs) / 1_000)
}
