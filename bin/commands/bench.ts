/** `cachescope bench`: runs bench/main.ts, which knows the benchmarks by name. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { CommandError, EXIT } from '../exit-codes.ts'
import { inRoot, NODE, ROOT } from '../paths.ts'

/** @returns its exit code */
export function bench(names: string[], options: { json: boolean }): Promise<number> {
  const program = inRoot('bench/main.ts')
  if (!existsSync(program)) throw new CommandError(EXIT.internal, 'bench/main.ts is missing from this clone.')
  return new Promise((resolve, reject) => {
    const child = spawn(NODE, [program, ...names, ...(options.json ? ['--json'] : [])], {
      cwd: ROOT,
      stdio: 'inherit',
    })
    // The terminal sends Ctrl-C to both; a SIGTERM comes to us alone.
    process.on('SIGINT', () => {})
    process.on('SIGTERM', () => child.kill('SIGTERM'))
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 143)))
  })
}
