/** Whether the destination of a slot has the memory for it: before the move by what its keys take, and while they come. */
import type { InfoReading } from '../../sources/info.ts'
import { bytesText, fail, field, refuse } from './server-action.ts'
import type { Side } from './slot-view.ts'

const MAX_SHARE_OF_MEMORY = 0.9

/** What the slot's keys take, if they are as large as the others. */
export function checkRoom(from: InfoReading, to: InfoReading, destination: Side, total: number): void {
  const [limit, used] = [field(to, 'maxmemory'), field(to, 'used_memory')]
  if (limit === null || limit === 0 || used === null) return
  const keys = from.keyspaces.reduce((sum, one) => sum + one.keys, 0)
  const bytes = keys === 0 ? 0 : ((field(from, 'used_memory_dataset') ?? 0) * total) / keys
  if (used + bytes > limit * MAX_SHARE_OF_MEMORY) {
    refuse(
      `${destination.address} has ${bytesText(used)} of ${bytesText(limit)} in use, and about ${bytesText(bytes)} would come. Choose another shard.`,
    )
  }
}

/** Redis takes what comes past its own limit, and refuses or evicts for everybody else. @throws Ended as failed */
export function checkStillRoom(to: InfoReading, slot: number, destination: Side): void {
  const [limit, used] = [field(to, 'maxmemory'), field(to, 'used_memory')]
  if (limit === null || limit === 0 || used === null || used <= limit * MAX_SHARE_OF_MEMORY) return
  fail(
    `While slot ${slot} came, ${destination.address} has come to ${bytesText(used)} of ${bytesText(limit)} in use. Choose another shard.`,
  )
}
