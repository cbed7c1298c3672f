// core/hot-keys/space-saving.ts and use-sample.ts once more, equal to the last entry.
import {
  BLOCK_BYTES,
  BLOCK_CHAIN,
  BLOCK_SIZE,
  BLOCKS,
  CELL_BOUNDS,
  CELL_MAX,
  CELLS,
  COUNTERS,
  FREE_BLOCK,
  INLINE_BYTES,
  NONE,
  RANDOM,
  RECORD_SIZE,
  RECORDS,
  SAMPLE,
  SAMPLE_KEY_BYTES,
  SAMPLE_USES,
  SEED,
  SET_SIZE,
  SETS,
  USE_SIZE,
  USED_BLOCKS,
  USES,
  WAYS,
} from './layout'

const COUNTS: usize = 32
const LENGTH: usize = 0
const ERROR: usize = 4
const WRITES: usize = 8
const DB: usize = 12
const VOTES: usize = 16
const COMMAND: usize = 20
const HEAD: usize = 22
const INLINE: usize = 24
const NEXT: usize = 60

@inline
function recordOf(node: usize, slot: u32): usize {
  return node + RECORDS + <usize>slot * RECORD_SIZE
}

@inline
function hashAt(node: usize, slot: u32): usize {
  return node + COUNTERS + <usize>(slot >> 3) * SET_SIZE + (<usize>(slot & 7) << 2)
}

@inline
function cellAt(node: usize, hash: u32): usize {
  return node + CELL_BOUNDS + (<usize>((hash >> 12) & (CELLS - 1)) << 2)
}

@inline
function blockAt(node: usize, block: u32): usize {
  return node + BLOCK_CHAIN + <usize>block * BLOCK_SIZE
}

export function clear(node: usize): void {
  memory.fill(node + COUNTERS, 0, <usize>SETS * SET_SIZE)
  memory.fill(node + CELL_BOUNDS, 0, <usize>CELLS << 2)
  for (let block: u32 = 0; block < BLOCKS; block++) {
    store<u32>(blockAt(node, block) + NEXT, block + 1 === BLOCKS ? NONE : block + 1)
  }
  store<u32>(node + FREE_BLOCK, 0)
  store<u32>(node + USED_BLOCKS, 0)
  store<u32>(node + CELL_MAX, 0)
  store<u32>(node + USES, 0)
  store<u32>(node + RANDOM, load<u32>(node + SEED) | 1)
}

@inline
function hashKey(key: usize, length: u32, db: i32, seed: u32): u32 {
  const multiplier: u32 = (seed << 1) | 1
  const other: u32 = rotl(seed, 16) ^ 0x27d4eb2f
  let hash: u32 = seed ^ (<u32>(db + 1) * 0x9e3779b1)
  let at = key
  const end = key + (length & ~7)
  for (; at < end; at += 8) {
    const mixed = ((load<u32>(at) ^ seed) * 0x85ebca6b) ^ rotl((load<u32>(at, 4) ^ other) * 0x9e3779b1, 15)
    hash = (hash ^ mixed) * multiplier
    hash = hash ^ (hash >> 15)
  }
  const left = length & 7
  if (left !== 0) {
    const pair = load<u64>(at) & ((<u64>1 << (left << 3)) - 1)
    const mixed = ((<u32>pair ^ seed) * 0x85ebca6b) ^ rotl((<u32>(pair >> 32) ^ other) * 0x9e3779b1, 15)
    hash = (hash ^ mixed) * multiplier
    hash = hash ^ (hash >> 15)
  }
  hash = (hash ^ (hash >> 16) ^ length) * 0xc2b2ae35
  hash = hash ^ (hash >> 13)
  return hash === 0 ? 1 : hash
}

function offer(node: usize, key: usize, length: u32, db: i32, command: u32, write: u32): void {
  const use = load<u32>(node + USES)
  store<u32>(node + USES, use + 1)
  let place = use
  if (use >= SAMPLE_USES) {
    let state = load<u32>(node + RANDOM)
    state ^= state << 13
    state ^= state >> 17
    state ^= state << 5
    store<u32>(node + RANDOM, state)
    const drawn = <f64>state * 2.3283064365386963e-10 * (<f64>use + 1.0)
    if (drawn >= <f64>SAMPLE_USES) return
    place = <u32>drawn
  }
  const kept = min(length, SAMPLE_KEY_BYTES)
  const at = node + SAMPLE + <usize>place * USE_SIZE
  store<u32>(at, kept)
  store<i32>(at, db, 4)
  store<u32>(at, command, 8)
  store<u32>(at, write, 12)
  for (let from: usize = 0; from < <usize>SAMPLE_KEY_BYTES; from += 16) {
    v128.store(at + 16 + from, v128.load(key + from))
  }
}

@inline
function sameBytes(one: usize, other: usize, length: u32): bool {
  let at: u32 = 0
  for (; at + 8 <= length; at += 8) if (load<u64>(one + at) !== load<u64>(other + at)) return false
  // What lies behind both ends does not count.
  const left = length & 7
  return left === 0 || (load<u64>(one + at) ^ load<u64>(other + at)) << (64 - (left << 3)) === 0
}

@inline
function isKey(node: usize, record: usize, key: usize, length: u32, db: i32): bool {
  if (load<u32>(record, LENGTH) !== length || load<i32>(record, DB) !== db) return false
  if (length <= INLINE_BYTES) return sameBytes(record + INLINE, key, length)
  return isLongKey(node, record, key, length)
}

function isLongKey(node: usize, record: usize, key: usize, length: u32): bool {
  if (!sameBytes(record + INLINE, key, INLINE_BYTES)) return false
  let block = <u32>load<u16>(record, HEAD)
  for (let from = INLINE_BYTES; from < length; from += BLOCK_BYTES) {
    const at = blockAt(node, block)
    if (!sameBytes(at, key + from, min(BLOCK_BYTES, length - from))) return false
    block = load<u32>(at, NEXT)
  }
  return true
}

/** One use of the key at `key`. */
export function add(node: usize, key: usize, length: u32, db: i32, command: u32, write: u32): void {
  offer(node, key, length, db, command, write)
  const hash = hashKey(key, length, db, load<u32>(node + SEED))
  const set = hash & (SETS - 1)
  const hashes = node + COUNTERS + <usize>set * SET_SIZE
  const wanted = i32x4.splat(<i32>hash)
  let found: u32 =
    <u32>i32x4.bitmask(i32x4.eq(v128.load(hashes), wanted)) |
    (<u32>i32x4.bitmask(i32x4.eq(v128.load(hashes + 16), wanted)) << 4)
  while (found !== 0) {
    const way = ctz(found)
    const record = recordOf(node, set * WAYS + way)
    if (isKey(node, record, key, length, db)) {
      hit(hashes + COUNTS + (<usize>way << 2), record, command, write)
      return
    }
    found &= found - 1
  }
  miss(node, key, length, db, command, write, hash, set)
}

@inline
function hit(count: usize, record: usize, command: u32, write: u32): void {
  store<u32>(count, load<u32>(count) + 1)
  store<u32>(record, load<u32>(record, WRITES) + write, WRITES)
  const votes = load<u32>(record, VOTES)
  if (<u32>load<u16>(record, COMMAND) === command) store<u32>(record, votes + 1, VOTES)
  else if (votes > 0) store<u32>(record, votes - 1, VOTES)
  else {
    store<u16>(record, <u16>command, COMMAND)
    store<u32>(record, 1, VOTES)
  }
}

function miss(
  node: usize,
  key: usize,
  length: u32,
  db: i32,
  command: u32,
  write: u32,
  hash: u32,
  set: u32,
): void {
  const cell = cellAt(node, hash)
  let slot = pick(node, set)
  if (isHeld(node, slot, cell)) return
  const blocks = blocksOf(length)
  if (load<u32>(node + USED_BLOCKS) + blocks > BLOCKS) {
    if (blocks > BLOCKS) {
      raise(node, cell, load<u32>(cell) + 1)
      return
    }
    do evictLong(node)
    while (load<u32>(node + USED_BLOCKS) + blocks > BLOCKS)
    slot = pick(node, set)
    if (isHeld(node, slot, cell)) return
  }
  const at = hashAt(node, slot)
  if (load<u32>(at) !== 0) evict(node, slot)
  const record = recordOf(node, slot)
  put(node, record, key, length)
  const error = load<u32>(cell)
  store<u32>(at, hash)
  store<u32>(at, error + 1, COUNTS)
  store<u32>(record, error, ERROR)
  store<u32>(record, write, WRITES)
  store<i32>(record, db, DB)
  store<u16>(record, <u16>command, COMMAND)
  store<u32>(record, 1, VOTES)
}

@inline
function pick(node: usize, set: u32): u32 {
  const hashes = node + COUNTERS + <usize>set * SET_SIZE
  const none = i32x4.splat(0)
  const free: u32 =
    <u32>i32x4.bitmask(i32x4.eq(v128.load(hashes), none)) |
    (<u32>i32x4.bitmask(i32x4.eq(v128.load(hashes + 16), none)) << 4)
  if (free !== 0) return set * WAYS + ctz(free)
  let way: u32 = 0
  let least = load<u32>(hashes, COUNTS)
  for (let other: u32 = 1; other < WAYS; other++) {
    const count = load<u32>(hashes + (<usize>other << 2), COUNTS)
    if (count < least) {
      least = count
      way = other
    }
  }
  return set * WAYS + way
}

@inline
function isHeld(node: usize, slot: u32, cell: usize): bool {
  const at = hashAt(node, slot)
  const bound = load<u32>(cell) + 1
  if (load<u32>(at) === 0 || load<u32>(at, COUNTS) <= bound) return false
  raise(node, cell, bound)
  return true
}

@inline
function raise(node: usize, cell: usize, bound: u32): void {
  if (bound <= load<u32>(cell)) return
  store<u32>(cell, bound)
  if (bound > load<u32>(node + CELL_MAX)) store<u32>(node + CELL_MAX, bound)
}

function evict(node: usize, slot: u32): void {
  const at = hashAt(node, slot)
  raise(node, cellAt(node, load<u32>(at)), load<u32>(at, COUNTS))
  const record = recordOf(node, slot)
  if (load<u32>(record, LENGTH) > INLINE_BYTES) {
    let block = <u32>load<u16>(record, HEAD)
    while (block !== NONE) {
      const place = blockAt(node, block)
      const next = load<u32>(place, NEXT)
      store<u32>(place, load<u32>(node + FREE_BLOCK), NEXT)
      store<u32>(node + FREE_BLOCK, block)
      store<u32>(node + USED_BLOCKS, load<u32>(node + USED_BLOCKS) - 1)
      block = next
    }
  }
  store<u32>(at, 0)
}

function evictLong(node: usize): void {
  let sum: u64 = 0
  let long: u64 = 0
  for (let slot: u32 = 0; slot < SETS * WAYS; slot++) {
    if (!isLong(node, slot)) continue
    sum += <u64>load<u32>(hashAt(node, slot), COUNTS)
    long++
  }
  const mean = sum / long
  for (let slot: u32 = 0; slot < SETS * WAYS; slot++) {
    if (isLong(node, slot) && <u64>load<u32>(hashAt(node, slot), COUNTS) <= mean) evict(node, slot)
  }
}

@inline
function isLong(node: usize, slot: u32): bool {
  return load<u32>(hashAt(node, slot)) !== 0 && load<u32>(recordOf(node, slot), LENGTH) > INLINE_BYTES
}

@inline
function put(node: usize, record: usize, key: usize, length: u32): void {
  store<u32>(record, length, LENGTH)
  // All of them, whatever the length: what lies behind a short key is never looked at.
  v128.store(record + INLINE, v128.load(key))
  v128.store(record + INLINE, v128.load(key, 16), 16)
  store<u64>(record + INLINE, load<u64>(key, 32), 32)
  if (length <= INLINE_BYTES) return
  let previous: usize = 0
  for (let from = INLINE_BYTES; from < length; from += BLOCK_BYTES) {
    const block = load<u32>(node + FREE_BLOCK)
    const at = blockAt(node, block)
    store<u32>(node + FREE_BLOCK, load<u32>(at, NEXT))
    store<u32>(node + USED_BLOCKS, load<u32>(node + USED_BLOCKS) + 1)
    memory.copy(at, key + from, min(BLOCK_BYTES, length - from))
    if (previous === 0) store<u16>(record, <u16>block, HEAD)
    else store<u32>(previous, block, NEXT)
    store<u32>(at, NONE, NEXT)
    previous = at
  }
}

@inline
function blocksOf(length: u32): u32 {
  return length <= INLINE_BYTES ? 0 : (length - INLINE_BYTES + BLOCK_BYTES - 1) / BLOCK_BYTES
}
