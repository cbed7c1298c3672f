/** Every threshold of the refusals, once: docs/mitigations.md has the same table. */

export const ELIGIBILITY = {
  /** A larger value is neither copied nor held in processes. */
  maxValueBytes: 256 * 1_024,
  /** Of a key whose copies are read: while a write travels, every read of a copy is stale. */
  copies: { maxWritesPerSec: 5, minReadsPerWrite: 100 },
  /** Each write throws the value out of every process: what is read less often than this is fetched rather than held. */
  localCache: { maxWritesPerSec: 50, minReadsPerWrite: 10 },
  /** Rates of writes come from a sample: up to so many times the limit a person may know better. */
  unsureFactor: 2,
  /** What was seen of the key longer ago says what was. */
  staleAfterMs: 60_000,
  /** After a failover the topology settles. */
  failoverSettlesMs: 30_000,
} as const

/** Of local caches: each entry lives its time × (1 − jitter × random), so that processes do not renew it all at once. */
export const LOCAL_JITTER = 0.1

/** Of one primary: where there are more, connections without the library are not counted. */
export const MAX_LISTED_CLIENTS = 5_000
