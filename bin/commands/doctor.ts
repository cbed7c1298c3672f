/** `cachescope doctor`: what could be seen of caches, what not and why, and what it would cost. */
import { runDoctor } from '../../collector/look/doctor/doctor.ts'
import { doctorLines } from '../../collector/look/doctor/doctor-text.ts'
import { resolveTargets } from '../../collector/look/resolve.ts'
import { parseTargets } from '../../collector/look/target.ts'
import { type AccessOptions, readPassword, readTls } from '../cache-access.ts'
import { EXIT } from '../exit-codes.ts'

/** @returns the exit code. @throws CommandError, LookFailure */
export async function doctor(urls: string[], options: AccessOptions): Promise<number> {
  const targets = parseTargets(urls, await readPassword(options, process.env))
  const resolved = await resolveTargets(targets, await readTls(options))
  const limits = { budget: options.budget, maxLatencyMs: options.maxLatency }
  const report = await runDoctor(resolved, limits)
  const { stdout } = process
  stdout.on('error', () => process.exit(EXIT.ok))
  const color = stdout.isTTY && !process.env.NO_COLOR && process.env.TERM !== 'dumb'
  const text = options.json
    ? JSON.stringify(report, null, 2)
    : doctorLines(report, limits, { color }).join('\n')
  await new Promise<void>((resolve) => stdout.write(`${text}\n`, () => resolve()))
  const isRefused = report.nodes.some(({ checks }) => checks.some(({ state }) => state === 'refused'))
  return isRefused ? EXIT.cache : EXIT.ok
}
