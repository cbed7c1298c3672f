/**
 * Valkey 9.2 HOTKEYS: the rates of the hottest keys over the last whole window, from a sample of their uses. The
 * operator switches it on: Cachescope changes no setting, and says which one would.
 */
import { sampledRate } from '../../core/hot-keys/sampled-rate.ts'
import { NodeFailure } from '../connection/failure.ts'
import { parseHotkeysReply, type ValkeyHotkey } from './engine-hotkeys-replies.ts'
import { bareKey, Rung, RungRefusal } from './rung.ts'
import type { HotKeyReport, NodeFacts, ReportedKey } from './source-types.ts'

const OFF =
  "Valkey's HOTKEYS is switched off on the node: CONFIG SET hotkeys-top-k 50 switches it on, for less than 1% of its time."
/** Without the right to read the setting, what Valkey comes with is assumed. */
const DEFAULTS = { topK: 16, percentage: 1, windowSeconds: 1 }
const SETTINGS_EVERY_MS = 60_000
const KEPT_MS = 10_000
const MIN_SHARE = 0.002
const MAX_KEYS = 60

type Settings = typeof DEFAULTS
type Window = { at: number; samples: number; seconds: number; keys: ValkeyHotkey[]; text: string }
type Sum = { db: number; key: Uint8Array; counted: number; error: number; windows: number }

export class ValkeyHotkeysSource extends Rung {
  readonly source = 'hotkeys'
  protected readonly right = 'hotkeys'
  #settings: Settings | null = null
  #settingsAt = Number.NEGATIVE_INFINITY
  #windows: Window[] = []

  report(now: number): HotKeyReport | null {
    const windows = this.#windows.filter((window) => now - window.at < KEPT_MS)
    const first = windows[0]
    const last = windows.at(-1)
    if (first === undefined || last === undefined) return null
    const { opsPerSec } = this.options.nodeFacts()
    return {
      source: 'hotkeys',
      windowFrom: Math.round(first.at - first.seconds * 1_000),
      windowTo: last.at,
      sampledCommands: windows.reduce((sum, { samples }) => sum + samples, 0),
      keys: this.#rows(windows, opsPerSec),
      patterns: [],
    }
  }

  protected async probe(): Promise<void> {
    await this.#read()
    const settings = await this.#readSettings()
    if (settings?.topK === 0) throw new RungRefusal('refused', OFF)
  }

  protected async round(facts: NodeFacts): Promise<number> {
    const now = this.now()
    if (now - this.#settingsAt > SETTINGS_EVERY_MS) {
      this.#settings = await this.#readSettings()
      this.#settingsAt = now
    }
    if (this.#settings?.topK === 0) {
      this.#settingsAt = Number.NEGATIVE_INFINITY
      throw new RungRefusal('refused', OFF)
    }
    const { samples, seconds } = await this.#readTrust()
    const keys = await this.#read()
    // Neither setting nor window: it is off, or nothing was ever counted.
    if (this.#settings === null && seconds === 0 && (facts.opsPerSec ?? 0) > 100) {
      throw new RungRefusal('refused', OFF)
    }
    const text = `${samples} ${seconds} ${keys.map(({ opsPerSec }) => opsPerSec).join()}`
    if (seconds > 0 && samples > 0 && text !== this.#windows.at(-1)?.text) {
      this.#windows = this.#windows.filter((window) => now - window.at < KEPT_MS)
      this.#windows.push({ at: now, samples, seconds, keys, text })
      this.options.onNews()
    }
    return Math.max(1, this.#settings?.windowSeconds ?? 1) * 1_000
  }

  protected forget(): void {
    this.#windows = []
    this.#settingsAt = Number.NEGATIVE_INFINITY
  }

  #rows(windows: readonly Window[], opsPerSec: number | null): ReportedKey[] {
    const { topK, percentage } = this.#settings ?? DEFAULTS
    const probability = percentage / 100
    const sums = new Map<string, Sum>()
    for (const { keys, samples, seconds } of windows) {
      for (const { key, db, opsPerSec } of keys) {
        const id = `${db} ${Buffer.from(key).toString('latin1')}`
        const sum = sums.get(id) ?? { db, key, counted: 0, error: 0, windows: 0 }
        sum.counted += opsPerSec * seconds * probability
        // Space-Saving gives a count whose error is at most samples ÷ keys, and Valkey tells the middle.
        sum.error += samples / topK / 2
        sum.windows++
        sums.set(id, sum)
      }
    }
    const seconds = windows.reduce((sum, window) => sum + window.seconds, 0)
    const floor = windows.reduce((sum, { samples }) => sum + samples, 0) / windows.length / topK / 2
    return [...sums.values()]
      .map((sum) => {
        // Where it was not listed it was used at most as often as the last one that was.
        const error = Math.min(sum.counted, sum.error) + (windows.length - sum.windows) * floor
        return this.#row(sum, sampledRate(sum.counted, error, probability, seconds), opsPerSec)
      })
      .filter(({ shareLow, opsPerSecLow }) => (shareLow ?? 1) >= MIN_SHARE && (opsPerSecLow ?? 0) > 0)
      .sort((one, other) => (other.opsPerSec ?? 0) - (one.opsPerSec ?? 0))
      .slice(0, MAX_KEYS)
  }

  #row(
    { db, key }: Sum,
    rate: { opsPerSec: number; low: number; high: number },
    nodeOps: number | null,
  ): ReportedKey {
    const shareOf = (value: number) =>
      nodeOps === null || nodeOps <= 0 ? null : Math.min(1, value / nodeOps)
    return {
      ...bareKey(db, key),
      share: shareOf(rate.opsPerSec),
      shareLow: shareOf(rate.low),
      shareHigh: shareOf(rate.high),
      opsPerSec: rate.opsPerSec,
      opsPerSecLow: rate.low,
      opsPerSecHigh: rate.high,
    }
  }

  async #read(): Promise<ValkeyHotkey[]> {
    const reply = parseHotkeysReply(await this.options.commands.callBuffer('HOTKEYS', 'GET'))
    if (reply?.kind === 'valkey') return reply.keys
    throw new RungRefusal('refused', "The node's answer to HOTKEYS GET is not that of Valkey 9.2.")
  }

  async #readTrust(): Promise<{ samples: number; seconds: number }> {
    const info = String(await this.options.commands.call('INFO', 'hotkeys'))
    const field = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0)
    return {
      samples: field('hotkeys_last_window_samples'),
      seconds: field('hotkeys_last_window_duration_ms') / 1_000,
    }
  }

  /** @returns null where the node does not let us read them */
  async #readSettings(): Promise<Settings | null> {
    try {
      const reply = await this.options.commands.call('CONFIG', 'GET', 'hotkeys-*')
      const pairs = Array.isArray(reply) ? reply.map(String) : []
      const setting = (name: string, otherwise: number) => {
        const at = pairs.indexOf(name)
        return at < 0 ? otherwise : Number(pairs[at + 1])
      }
      return {
        topK: setting('hotkeys-top-k', DEFAULTS.topK),
        percentage: setting('hotkeys-sampling-percentage', DEFAULTS.percentage),
        windowSeconds: setting('hotkeys-window-seconds', DEFAULTS.windowSeconds),
      }
    } catch (error) {
      if (error instanceof NodeFailure && error.replyCode !== null) return null
      throw error
    }
  }
}
