/** A 32-bit hash of a key under a secret seed, so that nobody can choose keys that collide. Never 0. */
export function hashKey(bytes: Uint8Array, start: number, end: number, db: number, seed: number): number {
  const multiplier = (seed << 1) | 1
  const other = ((seed << 16) | (seed >>> 16)) ^ 0x27d4eb2f
  let hash = seed ^ Math.imul(db + 1, 0x9e3779b1)
  for (let at = start; at < end; at += 8) {
    // The two words do not wait for each other, nor for the hash so far.
    const one = Math.imul(wordAt(bytes, at, end) ^ seed, 0x85ebca6b)
    const two = Math.imul(wordAt(bytes, at + 4, end) ^ other, 0x9e3779b1)
    hash = Math.imul(hash ^ one ^ ((two << 15) | (two >>> 17)), multiplier)
    hash = hash ^ (hash >>> 15)
  }
  hash = Math.imul(hash ^ (hash >>> 16) ^ (end - start), 0xc2b2ae35)
  hash = (hash ^ (hash >>> 13)) >>> 0
  return hash === 0 ? 1 : hash
}

/** Four bytes, the first the lowest; 0 for those behind the end. */
function wordAt(bytes: Uint8Array, at: number, end: number): number {
  if (at + 4 <= end) {
    return (
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)
    )
  }
  let word = 0
  for (let from = at, shift = 0; from < end; from++, shift += 8) word |= (bytes[from] as number) << shift
  return word
}
