/** The process of mitigation-process.ts as its test has it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { MitigationProcess } from './mitigation-process.ts'
import { until } from './redis.ts'

const PROGRAM = fileURLToPath(new URL('./mitigation-process.ts', import.meta.url))

export type MitigationChild = {
  readonly process: ChildProcess
  /** In the order in which they were come to, by label. */
  readonly points: ReadonlyMap<string, readonly string[]>
  /** Labels of mitigations that stand still. */
  readonly still: ReadonlySet<string>
  /** Rejects when it ends without having been killed here. */
  readonly died: Promise<never>
  /** kill -9; resolves when it is gone. Idempotent. */
  kill(): Promise<void>
}

/**
 * Resolves when it runs.
 * @throws Error when it ends before, or does not within two minutes: it is killed then
 */
export async function startMitigationChild(options: MitigationProcess): Promise<MitigationChild> {
  const child = spawn(process.execPath, [PROGRAM, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  const points = new Map<string, string[]>()
  const still = new Set<string>()
  let isStarted = false
  const take = (line: string) => {
    const [what = '', label = '', point = ''] = line.split('\t')
    if (what === 'started') isStarted = true
    if (what === 'still') still.add(label)
    if (what === 'point') points.set(label, [...(points.get(label) ?? []), point])
  }
  let rest = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    lines.forEach(take)
  })
  const isGone = () => child.exitCode !== null || child.signalCode !== null
  let isKilled = false
  const died = new Promise<never>((_, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      if (!isKilled) reject(new Error(`The collector ended by itself: ${signal ?? `exit code ${code}`}.`))
    })
  })
  // Whoever is at work under it hears of it.
  died.catch(() => {})
  const kill = async () => {
    isKilled = true
    if (isGone()) return
    const exit = once(child, 'exit')
    child.kill('SIGKILL')
    await exit
  }
  try {
    await Promise.race([until('the collector runs', () => isStarted || isGone(), 120_000), died])
  } catch (error) {
    await kill()
    throw error
  }
  return { process: child, points, still, died, kill }
}
