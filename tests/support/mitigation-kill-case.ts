/** What is killed: a case has servers, a mitigation, and what must be true half way and at the end. */
import type { MitigationDetail, MitigationRequest } from '../../core/mitigations/model.ts'
import type { Places } from '../../store/mitigation-progress.ts'
import type { RedisProcess } from './redis.ts'

/** Servers of one cache, in the order in which points number them. */
export type KillSite = {
  kind: 'standalone' | 'cluster' | 'sentinel'
  urls: string[]
  nodes: RedisProcess[]
  /** Further lines of its YAML. */
  more?: string[]
  stop(): Promise<unknown>
}
/** Of all at the same point, and what happens until another collector comes. */
type FirstKill<S extends KillSite> = {
  /** Without it once it is in force. */
  at?: string
  /** Else it stays in force, and is called off once it has gone on. */
  isCalledOff: boolean
  meanwhile?(site: S): Promise<unknown>
  /** What the action remembers as if time had passed: for each collector that comes. */
  age?(state: unknown): object
  /** @param state of one that stays in force: whether it has gone on */
  hasGoneOn?(state: unknown): boolean
}
export type KillCase<S extends KillSite = KillSite> = {
  name: string
  /** Many of them at once in one cache, each with a label, and so a key, of its own. */
  isCrowd?: boolean
  /** Of what all mitigations of a cache share, such as heartbeats: those points as well. */
  hasShared?: boolean
  open(): Promise<S>
  /** What it is about is made as well. */
  request(site: S, label: string, places: Places): Promise<Omit<MitigationRequest, 'cacheId'>>
  /** Points that a slow machine may pass by: its run is one without a kill then. */
  byChance?: RegExp
  /** Of points that are come to by chance: of each kind one has its kill nevertheless. */
  surely?: RegExp[]
  /** A first kill, before the others, which are at what comes after it. */
  first?: FirstKill<S>
  /** Of kills. @default 6 */
  atLeast?: number
  /** For how long it is in force before it is drained. */
  holdMs?: number
  outcome: 'drained' | 'done'
  /** What was done is written. */
  checkHalfway?(site: S, label: string, detail: MitigationDetail, state: unknown): Promise<void>
  /** Nothing is left that should not be, and what should have come has. */
  checkEnd(site: S, label: string, detail: MitigationDetail, state: unknown): Promise<void>
}
/** Which servers each case needs, its type forgotten. */
export const killCase = <S extends KillSite>(one: KillCase<S>): KillCase => one as unknown as KillCase
