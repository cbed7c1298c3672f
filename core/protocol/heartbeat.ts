/** What an application's instance tells of itself every five seconds, and at once when it has applied another revision. */
import type { Waits } from '../waits.ts'
import type { PolicyPhase, PROTOCOL_VERSION } from './policy.ts'

export type PolicyHeartbeat = {
  id: string
  /** As applied by this instance. */
  phase: PolicyPhase
  /** `off`: not needed; `down`: the local tier is bypassed until it is armed again. */
  tracker: 'off' | 'armed' | 'down'
  /** Since the instance applied the policy; every counter only grows. */
  reads: number
  localHits: number
  localMisses: number
  /** Reads by variant, in the order of the policy's keysBase64. */
  variantReads: number[]
  replicaReads: number
  /** Reads that went to the base key because a variant was missing or failed. */
  fallbacks: number
  invalidations: number
  errors: number
  /** Of the reads of this key in the last heartbeat interval, as the application waited for them; null without any. */
  p50Us: number | null
  p99Us: number | null
  /** Of the same reads, hits included: how long they took. */
  waits?: Waits
}

/** A key as the application has used it: sampled, so that counting costs it next to nothing. */
export type ClientHotKey = {
  db: number
  keyBase64: string
  reads: number
  /** Of the reads, those that no server got under this name: answered in process, or by a copy. */
  elsewhere: number
  writes: number
  /** Of its reads that are routed where a policy says so, how many were timed: sent alone, and answered in the window. */
  timed?: number
  /** How long those took, scaled up to all such reads. Of a key whose policy is in force, that policy tells. */
  waits?: Waits
}

export type Heartbeat = {
  v: typeof PROTOCOL_VERSION
  app: string
  /** Unique to the process's wrapped client. */
  instanceId: string
  host: string
  pid: number
  /** Of @cachescope/client, or of whatever speaks the protocol. */
  library: string
  startedAt: number
  at: number
  /** The revision that is applied; 0 while none is. */
  rev: number
  /** `passing`: no policy is in force; `disabled`: by HOTKEY_DISABLE or by `kill`. */
  state: 'applying' | 'passing' | 'disabled'
  policies: PolicyHeartbeat[]
  /** Of the library itself, each answered with the plain command. */
  errors: number
  /** Our ends of this instance's connections to the cache, `ip:port`, so that those without the library can be counted. */
  connections: string[]
  hotKeys: {
    /** How long was counted; a key's figures are of all its commands in it, scaled up from the sample. */
    windowMs: number
    /** Commands with a key that the application gave to its client, local hits included. */
    commands: number
    /** Of them, how many were looked at. */
    sampled: number
    /** The hottest first, at most 32. */
    keys: ClientHotKey[]
  }
}
