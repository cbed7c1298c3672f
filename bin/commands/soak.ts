/** `cachescope soak`: runs the consistency checker's rounds of mitigations and faults for as long as asked. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { CommandError, EXIT } from '../exit-codes.ts'
import { inRoot, NODE, ROOT } from '../paths.ts'

/** @returns its exit code: 1 when a promise was broken */
export function soak(options: { minutes: number; seed: number }): Promise<number> {
  const program = inRoot('tests/support/consistency/soak.ts')
  if (!existsSync(program)) {
    throw new CommandError(EXIT.internal, 'tests/support/consistency/soak.ts is missing from this clone.')
  }
  return new Promise((resolve, reject) => {
    const args = ['--minutes', String(options.minutes), '--seed', String(options.seed)]
    const child = spawn(NODE, [program, ...args], { cwd: ROOT, stdio: 'inherit' })
    // The terminal sends Ctrl-C to both; a SIGTERM comes to us alone.
    process.on('SIGINT', () => {})
    process.on('SIGTERM', () => child.kill('SIGTERM'))
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 143)))
  })
}
