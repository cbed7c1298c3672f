/** `cachescope test`: the checks and the tests, all of them, whatever fails on the way; one line at the end. */
import { STAGE_NAMES, type StageName } from '../choices.ts'
import { stopCaptured } from '../run-captured.ts'
import { say } from '../setup/progress.mjs'
import { STAGES } from '../test-stages.ts'

const FORCE_AFTER_MS = 5_000

/** @returns the exit code */
export async function test(stages: StageName[]): Promise<number> {
  endWithSignals()
  let passed = 0
  let failed = 0
  for (const name of STAGE_NAMES.filter((each) => stages.length === 0 || stages.includes(each))) {
    const result = await STAGES[name]()
    if (result.failed > 0) process.stdout.write(`\n${result.output.trim()}\n\n`)
    say(`${name}: ${result.passed} passed, ${result.failed} failed`)
    passed += result.passed
    failed += result.failed
  }
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
