/** A 32-bit hash of a key under a secret seed, so that nobody can choose keys that collide. Never 0. */
export function hashKey(bytes: Uint8Array, start: number, end: number, db: number, seed: number): number {
  const multiplier = (seed << 1) | 1
  let hash = seed ^ Math.imul(db + 1, 0x9e3779b1)
  let at = start
  for (; at + 4 <= end; at += 4) {
    const word =
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)
    hash = Math.imul(hash ^ word, 0x85ebca6b)
    hash = Math.imul(hash ^ (hash >>> 15), multiplier)
  }
  if (at < end) {
    let word = 0
    for (let shift = 0; at < end; at++, shift += 8) word |= (bytes[at] as number) << shift
    hash = Math.imul(hash ^ word, 0x85ebca6b)
    hash = Math.imul(hash ^ (hash >>> 15), multiplier)
  }
  hash = Math.imul(hash ^ (hash >>> 16) ^ (end - start), 0xc2b2ae35)
  hash = (hash ^ (hash >>> 13)) >>> 0
  return hash === 0 ? 1 : hash
}
