/** `cachescope hotkeys`: the hot keys of caches, now. */
import { systemClock } from '../../collector/clock.ts'
import { createLogger } from '../../collector/logger.ts'
import { Look } from '../../collector/look/look.ts'
import { lookJson } from '../../collector/look/look-json.ts'
import { type LookView, lookLines } from '../../collector/look/look-table.ts'
import { resolveTargets } from '../../collector/look/resolve.ts'
import { parseTargets } from '../../collector/look/target.ts'
import { type AccessOptions, readPassword, readTls } from '../cache-access.ts'
import { EXIT } from '../exit-codes.ts'
import { LiveScreen } from '../live-screen.ts'

export type HotkeysOptions = AccessOptions & {
  /** Milliseconds. */
  for: number
  top: number
  by: 'rate' | 'bytes'
  pattern: boolean
  missing: boolean
}

const DRAW_MS = 250
/** `--for` counts from the first look at every node, which a slow node must not put off for ever. */
const BEGIN_LIMIT_MS = 10_000
const BEGIN_CHECK_MS = 50
/** A node that hangs must not hold the command. */
const STOP_LIMIT_MS = 2_500

/** @returns the exit code. @throws CommandError, LookFailure */
export async function hotkeys(urls: string[], options: HotkeysOptions): Promise<number> {
  const targets = parseTargets(urls, await readPassword(options, process.env))
  const resolved = await resolveTargets(targets, await readTls(options))
  const look = new Look({
    resolved,
    budget: options.budget,
    maxLatencyMs: options.maxLatency,
    clock: systemClock,
    logger: createLogger('silent', 'look'),
  })
  const { stdout } = process
  const isLive = stdout.isTTY && !options.json && process.env.TERM !== 'dumb'
  const view: LookView = {
    list: options.pattern ? 'patterns' : options.missing ? 'missing' : 'keys',
    by: options.by,
    top: options.top,
    width: null,
    color: isLive && !process.env.NO_COLOR,
  }
  const end = waitForEnd(options.for, () => look.hasBegun)
  const screen = isLive ? new LiveScreen(stdout) : null
  const draw = () => screen?.draw(lookLines(look.result(), { ...view, width: screen.width }, false))
  look.start()
  const timer = setInterval(draw, DRAW_MS)
  draw()
  const signal = await end
  clearInterval(timer)
  // Before anything that takes time: another Ctrl-C then finds the terminal as it was.
  const width = screen?.width ?? null
  screen?.end()
  await Promise.race([look.stop(), new Promise((resolve) => setTimeout(resolve, STOP_LIMIT_MS))])
  const result = look.result()
  if (signal === 'SIGTERM') process.kill(process.pid, 'SIGTERM')
  const text = options.json
    ? JSON.stringify(lookJson(result, view), null, 2)
    : lookLines(result, { ...view, width }, true).join('\n')
  await new Promise<void>((resolve) => stdout.write(`${text}\n`, () => resolve()))
  const isBlind = result.nodes.every(
    ({ state, refusal, wasLookedAt }) => state !== 'up' || refusal !== null || !wasLookedAt,
  )
  return isBlind && result.hotKeys.length === 0 ? EXIT.cache : EXIT.ok
}

/** Resolves with what ended the look before its time; a second Ctrl-C is not waited for. */
function waitForEnd(ms: number, hasBegun: () => boolean): Promise<'SIGINT' | 'SIGTERM' | null> {
  return new Promise((resolve) => {
    const startedAt = performance.now()
    let begunAt: number | null = null
    const timer = setInterval(() => {
      const now = performance.now()
      if (begunAt === null && (hasBegun() || now - startedAt >= BEGIN_LIMIT_MS)) begunAt = now
      if (begunAt !== null && now - begunAt >= ms) stop(null)
    }, BEGIN_CHECK_MS)
    const stop = (why: 'SIGINT' | 'SIGTERM' | null) => {
      clearInterval(timer)
      resolve(why)
    }
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop(signal))
    // Whoever read the output has gone: there is nobody to look for.
    process.stdout.on('error', () => process.exit(EXIT.ok))
  })
}
