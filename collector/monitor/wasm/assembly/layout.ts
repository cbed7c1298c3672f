// Where things lie in memory. collector/monitor/wasm/layout.ts repeats these figures for the other side: a test compares.

export const WAYS: u32 = 8
export const SETS: u32 = 512
export const CELLS: u32 = 32768
export const BLOCKS: u32 = 1536
export const INLINE_BYTES: u32 = 40
export const BLOCK_BYTES: u32 = 60
export const SAMPLE_USES: u32 = 256
export const SAMPLE_KEY_BYTES: u32 = 64
export const NONE: u32 = 0xffffffff

// Of the arena: keys of the line that is read, and the bytes of those that had to be decoded.
export const LINE_KEYS: usize = 4096
export const MAX_LINE_KEYS: u32 = 64
export const LINE_KEY_SIZE: usize = 16
export const DECODED: usize = 8192
export const MAX_LINE_KEY_BYTES: u32 = 16384

// Of a node.
export const SEED: usize = 0
export const TABLE: usize = 4
export const REPLICA: usize = 8
export const OWN_COUNT: usize = 12
export const PRIMARY_LENGTH: usize = 16
export const LINES: usize = 20
export const COMMANDS: usize = 24
export const SCRIPTED: usize = 28
export const REPLICATED: usize = 32
export const OWN: usize = 36
export const CELL_MAX: usize = 40
export const USES: usize = 44
export const RANDOM: usize = 48
export const FREE_BLOCK: usize = 52
export const USED_BLOCKS: usize = 56
/** The primary's address, then our own: length (u32) and up to 60 bytes each. */
export const ADDRESSES: usize = 64
export const ADDRESS_SIZE: usize = 64
export const CARRY: usize = 704
/** Per set: eight hashes, eight counts. */
export const COUNTERS: usize = 4864
export const SET_SIZE: usize = 64
/** Per counter, a cache line: length, error, writes, db, votes, command and first block (u16), the key's first bytes. */
export const RECORDS: usize = 37632
export const RECORD_SIZE: usize = 64
export const CELL_BOUNDS: usize = 299776
/** Per block: 60 bytes of a key, the next block. */
export const BLOCK_CHAIN: usize = 430848
export const BLOCK_SIZE: usize = 64
/** Per use: length, db, command, write, the key's first bytes. */
export const SAMPLE: usize = 529152
export const USE_SIZE: usize = 80
export const NODE_SIZE: usize = 549632

// Of a command table: 1024 places, found by the name's hash.
export const TABLE_PLACES: u32 = 1024
export const ENTRY_SIZE: usize = 48
export const MAX_NAME_BYTES: u32 = 23
/** Of an entry: length, name, then these. */
export const ENTRY_KIND: usize = 24
export const ENTRY_WRITES: usize = 25
export const ENTRY_SPECS: usize = 26
export const ENTRY_ID: usize = 28
/** Per specification, two at most: first (u8), step (u8), write (u8), last (i32; negative: from the line's end). */
export const ENTRY_FIRST_SPEC: usize = 32
export const SPEC_SIZE: usize = 8
