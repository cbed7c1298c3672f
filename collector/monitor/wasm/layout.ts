/** Where things lie in the engine's memory, as assembly/layout.ts has it: a test compares the two. */
export const LAYOUT = {
  SETS: 512,
  WAYS: 8,
  BLOCKS: 1_536,
  INLINE_BYTES: 40,
  BLOCK_BYTES: 60,
  SAMPLE_USES: 256,
  SEED: 0,
  TABLE: 4,
  REPLICA: 8,
  OWN_COUNT: 12,
  PRIMARY_LENGTH: 16,
  LINES: 20,
  COMMANDS: 24,
  SCRIPTED: 28,
  REPLICATED: 32,
  OWN: 36,
  CELL_MAX: 40,
  USES: 44,
  ADDRESSES: 64,
  ADDRESS_SIZE: 64,
  CARRY: 704,
  COUNTERS: 4_864,
  SET_SIZE: 64,
  RECORDS: 37_632,
  RECORD_SIZE: 64,
  BLOCK_CHAIN: 430_848,
  BLOCK_SIZE: 64,
  SAMPLE: 529_152,
  USE_SIZE: 80,
  NODE_SIZE: 549_632,
  DECODED: 8_192,
  TABLE_PLACES: 1_024,
  ENTRY_SIZE: 48,
  MAX_NAME_BYTES: 23,
  ENTRY_KIND: 24,
  ENTRY_WRITES: 25,
  ENTRY_SPECS: 26,
  ENTRY_ID: 28,
  ENTRY_FIRST_SPEC: 32,
  SPEC_SIZE: 8,
} as const

/** Of a line that a chunk cuts: a longer one is MonitorParser's. */
export const CARRY_BYTES = 4_096
/** At most our own connections, beside the primary's. */
export const MAX_OWN_ADDRESSES = 8
export const MAX_ADDRESS_BYTES = 60

const PAGE_BYTES = 65_536
/** A module's memory never grows, or sockets would read into memory that is gone; there are as many as are needed. */
export const ARENA_PAGES = 512
export const ARENA_BYTES = ARENA_PAGES * PAGE_BYTES
/** Before it there is room for a line that was cut, and for a key that JavaScript hands over. */
export const INPUT = 262_144
export const INPUT_BYTES = 524_288
/** SIMD reads a little beyond what is there. */
const SLACK_BYTES = 1_024
export const FIRST_NODE = INPUT + INPUT_BYTES + SLACK_BYTES
/** Where a key lies that JavaScript hands over: at most 64 KiB. */
export const HANDED_KEY = 131_072
