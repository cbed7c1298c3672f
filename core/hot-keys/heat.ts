/** Whether a hot key is read or written: a copy near the reader helps the one, fewer or split writes the other. */
import type { HotKeySample } from '../sample.ts'

export type Heat = 'read-hot' | 'write-hot' | 'mixed'

/** Up to this share of writes, a copy answers nearly all that asks for the key. */
export const READ_HOT_MAX_WRITES = 0.1
/** From this share of writes, no copy lives long enough to answer a read. */
export const WRITE_HOT_MIN_WRITES = 0.5

/** @returns null where the source tells no rates */
export function heatOf(key: Pick<HotKeySample, 'readsPerSec' | 'writesPerSec'>): Heat | null {
  const { readsPerSec, writesPerSec } = key
  if (readsPerSec === null || writesPerSec === null || readsPerSec + writesPerSec <= 0) return null
  const writes = writesPerSec / (readsPerSec + writesPerSec)
  if (writes <= READ_HOT_MAX_WRITES) return 'read-hot'
  return writes >= WRITE_HOT_MIN_WRITES ? 'write-hot' : 'mixed'
}
