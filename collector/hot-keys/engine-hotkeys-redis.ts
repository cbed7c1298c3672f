/**
 * Redis 8.6 HOTKEYS: which keys the command time goes to, of all commands that name a key. One session a server, so ours
 * are short, end by themselves, and never touch one that is not ours. It counts no uses and tells no database.
 */
import {
  type HotkeysSession,
  planHotkeysSession,
  SAMPLE_RATIOS,
  SESSION_S,
} from '../../core/hot-keys/hotkeys-session.ts'
import { parseHotkeysReply, type RedisHotkeys } from './engine-hotkeys-replies.ts'
import { bareKey, Rung, RungRefusal } from './rung.ts'
import type { HotKeyReport, NodeFacts } from './source-types.ts'

const COUNT = 20
/** Of a node whose rate is not known yet: what a session costs it is not either. */
const UNKNOWN_RETRY_MS = 2_000
const LEFT_BEHIND_MS = 60_000
/** An older session says nothing about now; where pauses are longer, until the next has ended. */
const MAX_AGE_MS = 60_000
const MIN_SHARE = 0.002

export class RedisHotkeysSource extends Rung {
  readonly source = 'hotkeys'
  protected readonly right = 'hotkeys'
  #ownSession: number | null = null
  #last: { at: number; keptMs: number; session: RedisHotkeys } | null = null

  report(now: number): HotKeyReport | null {
    const last = this.#lastAt(now)
    if (last === null) return null
    const keys = [...this.cpuShares(now)].map(({ key, cpuShare }) => ({ ...bareKey(0, key), cpuShare }))
    return {
      source: 'hotkeys',
      windowFrom: last.at - last.session.durationMs,
      windowTo: last.at,
      sampledCommands: null,
      keys,
      patterns: [],
    }
  }

  /** Of the time of all commands that name a key, the largest first; what is surely not hot is left out. */
  cpuShares(now: number): { key: Uint8Array; cpuShare: number }[] {
    const last = this.#lastAt(now)
    if (last === null || last.session.allCommandsUs === 0) return []
    const { byCpuTime, allCommandsUs, sampleRatio } = last.session
    return byCpuTime
      .map(({ key, us }) => ({ key, cpuShare: Math.min(1, (us * sampleRatio) / allCommandsUs) }))
      .filter(({ cpuShare }) => cpuShare >= MIN_SHARE)
  }

  protected async probe(): Promise<void> {
    this.#refuseForeign(await this.#read())
  }

  protected async round({ opsPerSec }: NodeFacts): Promise<number> {
    const { commands } = this.options
    if (opsPerSec === null) return UNKNOWN_RETRY_MS
    const before = await this.#read()
    this.#refuseForeign(before)
    if (before?.isActive) await commands.call('HOTKEYS', 'STOP')
    const plan = planHotkeysSession(opsPerSec, this.options.budget)
    const options = ['METRICS', 1, 'CPU', 'COUNT', COUNT, 'DURATION', SESSION_S, 'SAMPLE', plan.ratio]
    await commands.call('HOTKEYS', 'START', ...options)
    const started = await this.#read()
    this.#ownSession = started?.startedAt ?? null
    const goesOn = await this.sleep(SESSION_S * 1_000)
    await this.#finish(plan)
    return goesOn ? plan.pauseMs : 0
  }

  #lastAt(now: number) {
    const last = this.#last
    return last === null || now - last.at > last.keptMs ? null : last
  }

  protected forget(): void {
    this.#last = null
    this.#ownSession = null
  }

  async #finish({ usPerSec, pauseMs }: HotkeysSession): Promise<void> {
    const { commands } = this.options
    const session = await this.#read()
    if (session === null || session.startedAt !== this.#ownSession) return
    if (session.isActive) await commands.call('HOTKEYS', 'STOP')
    await commands.call('HOTKEYS', 'RESET')
    this.#ownSession = null
    this.cost.cpuUs += (session.durationMs / 1_000) * usPerSec
    const keptMs = Math.max(MAX_AGE_MS, pauseMs * 1.2 + SESSION_S * 1_000)
    this.#last = { at: this.now(), keptMs, session }
    this.options.onNews()
  }

  async #read(): Promise<RedisHotkeys | null> {
    const reply = parseHotkeysReply(await this.options.commands.callBuffer('HOTKEYS', 'GET'))
    if (reply?.kind === 'none') return null
    if (reply?.kind === 'redis') return reply.session
    throw new RungRefusal('refused', "The node's answer to HOTKEYS GET is not that of Redis 8.6.")
  }

  #refuseForeign(session: RedisHotkeys | null): void {
    if (session === null || session.startedAt === this.#ownSession) return
    if (isLeftBehind(session, this.now())) return
    throw new RungRefusal(
      'refused',
      session.isActive
        ? "Someone else's HOTKEYS session runs on the node: ours begins once it has ended and was reset (HOTKEYS STOP, HOTKEYS RESET)."
        : "The figures of someone else's HOTKEYS session are kept on the node: HOTKEYS RESET there makes room for ours.",
    )
  }
}

/** By an earlier collector of ours: stopped long ago, and of the length and the kind that nobody else would choose. */
function isLeftBehind(session: RedisHotkeys, now: number): boolean {
  const { isActive, countsBytes, sampleRatio, durationMs, startedAt } = session
  // The server ends it at its next tick, which is late where it is busy.
  const lateMs = durationMs - SESSION_S * 1_000
  const hasOurLength = lateMs >= 0 && lateMs < 1_000
  const hasOurRatio = SAMPLE_RATIOS.includes(sampleRatio)
  return !isActive && !countsBytes && hasOurRatio && hasOurLength && now - startedAt > LEFT_BEHIND_MS
}
