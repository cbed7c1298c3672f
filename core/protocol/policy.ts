/**
 * The policy document of protocol hk/1: what the control plane asks of the applications that use a cache.
 * docs/protocol.md has it in words; tests/fixtures/protocol has its test vectors. No dependency: the library ships it.
 */

export const PROTOCOL_VERSION = 1

/** Names of applications and instances: they are parts of keys. */
export const APP_NAME = /^[A-Za-z0-9][\w.:-]{0,99}$/
export const INSTANCE_ID = /^[\w.:-]{1,100}$/

/** Of a policy: up to 100 characters that any store takes. */
export const isPolicyId = (id: string): boolean =>
  id.length > 0 && id.length <= 100 && !id.includes('\0') && id.isWellFormed()

/** Where a document and the heartbeats of an application live when the cache itself carries them: one slot an application. */
export const policyKey = (app: string): string => `{hk:${app}}:pol`
/** Sorted set: instance id by the epoch milliseconds of its last heartbeat. */
export const instancesKey = (app: string): string => `{hk:${app}}:insts`
export const instanceKey = (app: string, instanceId: string): string => `{hk:${app}}:i:${instanceId}`
/** Sorted set: application names by the epoch milliseconds of their last heartbeat. */
export const APPS_KEY = 'hk:apps'

/** How the names of copies begin: all that an application deletes for the sake of a policy. */
export const COPY_NAME = /^\{hk\d+\.\d+\}:/

/** `prepare`: known, reads at the base key; `active`: carried out; `draining`: reads at the base key again. */
export type PolicyPhase = 'prepare' | 'active' | 'draining'

/** Hot reads served in process. */
export type LocalPolicy = {
  /** How long a value is served, at most; the staleness that is promised. */
  ttlMs: number
  /** Each entry lives ttlMs × (1 − jitter × random). 0 to 0.5. */
  jitter: number
  /** A larger value is not kept. */
  maxBytes: number
  /** Invalidated by CLIENT TRACKING; false: by its time alone. */
  track: boolean
  /** After ttlMs, the old value is still served so long while one read renews it. 0: never. */
  staleMs: number
}

/** Copies of the key under other names, kept right by the mirror owner; a reader never fills one. */
export type VariantsPolicy = {
  /** Names to read from, each with equal odds; the base key is one of them where it is to be read. Base64. */
  keysBase64: string[]
  /** Writers unlink every variant after their own write has been answered. */
  writeFanout: boolean
}

export type KeyPolicy = {
  id: string
  phase: PolicyPhase
  db: number
  keyBase64: string
  /** Epoch milliseconds; past it the policy is ignored. */
  expiresAt: number
  local: LocalPolicy | null
  variants: VariantsPolicy | null
  /** Reads of the key may go to any node of its shard. */
  replicaRead: boolean
}

export type PolicyDocument = {
  v: typeof PROTOCOL_VERSION
  app: string
  /** Grows with every change; a reader ignores a lower one than it has. */
  rev: number
  /** Epoch milliseconds, by the publisher's clock. */
  issuedAt: number
  /** From its receipt, by the reader's monotonic clock; then everything passes through. */
  leaseMs: number
  /** Everything passes through at once. */
  kill: boolean
  policies: KeyPolicy[]
}

/** What a reader accepts at most; a policy beyond it is ignored, a longer list cut. */
export const POLICY_LIMITS = {
  policies: 64,
  variants: 64,
  keyBytes: 65_536,
  localTtlMs: 10_000,
  localStaleMs: 10_000,
  localEntries: 500,
  localBytes: 32 * 1024 * 1024,
  valueBytes: 256 * 1024,
  lifeMs: 24 * 3_600_000,
  leaseMs: 60_000,
} as const

export const LEASE_MS = 30_000
/** How often a reader asks for the document: ± 20%. */
export const POLL_MS = 2_000
export const HEARTBEAT_MS = 5_000
/** A heartbeat older than this is of an instance that is gone. */
export const HEARTBEAT_TTL_MS = 15_000
/** Of its JSON in UTF-8; a longer one is not read. */
export const HEARTBEAT_MAX_BYTES = 64 * 1024
/** `{hk:APP}:insts` and `hk:apps` are gone so long after the last heartbeat. */
export const LISTS_TTL_MS = 600_000
