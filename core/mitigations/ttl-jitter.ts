/** By how much a key's time to live is cut: always the same for one mitigation and key. */

const FNV_OFFSET = 0x811c9dc5
const FNV_PRIME = 0x01000193

/** FNV-1a with a final mix: 32 bits that differ in all of them for keys that differ in one character. */
export function hashKey(seed: number, key: Uint8Array): number {
  let hash = (FNV_OFFSET ^ seed) >>> 0
  for (const byte of key) hash = Math.imul(hash ^ byte, FNV_PRIME) >>> 0
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b) >>> 0
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35) >>> 0
  return (hash ^ (hash >>> 16)) >>> 0
}

/**
 * When the key shall expire, in the clock of its server.
 * @param spread 0 to 1: the largest share of its life that is cut
 * @param hash of hashKey
 */
export function earlierExpiry(nowMs: number, ttlMs: number, spread: number, hash: number): number {
  const share = spread * (hash / 0x1_0000_0000)
  return nowMs + Math.max(1, Math.floor(ttlMs * (1 - share)))
}
