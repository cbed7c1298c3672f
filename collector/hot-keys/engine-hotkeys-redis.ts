/**
 * Redis 8.6 HOTKEYS: which keys the node's command time goes to. One session a server, so ours are short, end by
 * themselves, and never touch one that is not ours. It counts no uses and tells no database.
 */
import { parseHotkeysReply, type RedisHotkeys } from './engine-hotkeys-replies.ts'
import { bareKey, Rung, RungRefusal } from './rung.ts'
import type { HotKeyReport } from './source-types.ts'

/** Nobody else's choice: of a collector that died, what it left behind is known by it. */
const SESSION_S = 7
const EVERY_MS = 30_000
const COUNT = 20
const LEFT_BEHIND_MS = 60_000
/** An older session says nothing about now. */
const MAX_AGE_MS = 60_000
const MIN_SHARE = 0.002

export class RedisHotkeysSource extends Rung {
  readonly source = 'hotkeys'
  protected readonly right = 'hotkeys'
  #ownSession: number | null = null
  #last: { at: number; session: RedisHotkeys } | null = null

  report(now: number): HotKeyReport | null {
    const last = this.#last
    if (last === null || now - last.at > MAX_AGE_MS) return null
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

  /** Of the node's command time, the largest first; what is surely not hot is left out. */
  cpuShares(now: number): { key: Uint8Array; cpuShare: number }[] {
    const last = this.#last
    if (last === null || now - last.at > MAX_AGE_MS || last.session.allCommandsUs === 0) return []
    const { byCpuTime, allCommandsUs, sampleRatio } = last.session
    return byCpuTime
      .map(({ key, us }) => ({ key, cpuShare: Math.min(1, (us * sampleRatio) / allCommandsUs) }))
      .filter(({ cpuShare }) => cpuShare >= MIN_SHARE)
  }

  protected async probe(): Promise<void> {
    this.#refuseForeign(await this.#read())
  }

  protected async round(): Promise<number> {
    const { commands } = this.options
    const before = await this.#read()
    this.#refuseForeign(before)
    if (before?.isActive) await commands.call('HOTKEYS', 'STOP')
    await commands.call('HOTKEYS', 'START', 'METRICS', 1, 'CPU', 'COUNT', COUNT, 'DURATION', SESSION_S)
    const started = await this.#read()
    this.#ownSession = started?.startedAt ?? null
    const goesOn = await this.sleep(SESSION_S * 1_000)
    await this.#finish()
    return goesOn ? EVERY_MS - SESSION_S * 1_000 : 0
  }

  protected forget(): void {
    this.#last = null
    this.#ownSession = null
  }

  async #finish(): Promise<void> {
    const { commands } = this.options
    const session = await this.#read()
    if (session === null || session.startedAt !== this.#ownSession) return
    if (session.isActive) await commands.call('HOTKEYS', 'STOP')
    await commands.call('HOTKEYS', 'RESET')
    this.#ownSession = null
    this.#last = { at: this.now(), session }
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

/** By an earlier collector of ours: stopped long ago, and of the length and the kind of ours. */
function isLeftBehind(session: RedisHotkeys, now: number): boolean {
  const { isActive, countsBytes, sampleRatio, durationMs, startedAt } = session
  const hasOurLength = Math.abs(durationMs - SESSION_S * 1_000) < 200
  return !isActive && !countsBytes && sampleRatio === 1 && hasOurLength && now - startedAt > LEFT_BEHIND_MS
}
