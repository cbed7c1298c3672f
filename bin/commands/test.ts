/** `cachescope test`: the checks and the tests, all of them, whatever fails on the way; what failed and one line at the end. */
import { buildApp } from '../build-app.ts'
import type { StageName } from '../choices.ts'
import { stopCaptured } from '../run-captured.ts'
import { say } from '../setup/progress.mjs'
import { STAGES } from '../test-stages.ts'

const FORCE_AFTER_MS = 5_000
/** The integration tests wait for their servers most of the time, and leave the cores to what computes. */
const LANES: StageName[][] = [['integration'], ['check', 'unit']]
/** By itself: the demo under a browser takes all that two cores have. */
const LAST: StageName = 'e2e'

/** @returns the exit code */
export async function test(stages: StageName[]): Promise<number> {
  endWithSignals()
  let passed = 0
  let failed = 0
  const failures: string[] = []
  const isAsked = (name: StageName) => stages.length === 0 || stages.includes(name)
  const run = async (name: StageName) => {
    if (!isAsked(name)) return
    const result = await STAGES[name]()
    if (result.failed > 0) process.stdout.write(`\n${result.output.trim()}\n\n`)
    say(`${name}: ${result.passed} passed, ${result.failed} failed`)
    passed += result.passed
    failed += result.failed
    failures.push(...result.failures)
  }
  await Promise.all(
    LANES.map(async (lane) => {
      for (const name of lane) await run(name)
      // A build that fails is tried again by its stage, which tells why.
      if (isAsked(LAST) && lane.includes('check')) await buildApp().catch(() => {})
    }),
  )
  await run(LAST)
  // Last, so that the end of a long log says it.
  for (const line of failures) process.stdout.write(`failed: ${line}\n`)
  process.stdout.write(`${passed} passed, ${failed} failed\n`)
  return failed > 0 || passed === 0 ? 1 : 0
}

/** The running stage ends first, so that it can end its own servers. */
function endWithSignals(): void {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    process.on(signal, () => {
      void stopCaptured(FORCE_AFTER_MS).then(() => process.exit(code))
    })
  }
}
