/** A 32-bit hash of a key under a secret seed, so that nobody can choose keys that collide. */
export function hashKey(bytes: Uint8Array, start: number, end: number, db: number, seed: number): number {
  const multiplier = (seed << 1) | 1
  let hash = seed ^ Math.imul(db + 1, 0x9e3779b1)
  for (let at = start; at < end; at++) {
    hash = Math.imul(hash ^ (bytes[at] as number), 0x85ebca6b)
    hash = Math.imul(hash ^ (hash >>> 15), multiplier)
  }
  hash = Math.imul(hash ^ (hash >>> 16) ^ (end - start), 0xc2b2ae35)
  return (hash ^ (hash >>> 13)) >>> 0
}
