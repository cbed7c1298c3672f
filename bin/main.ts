/** The entry point behind bin/cachescope: parses, runs, and turns errors into a sentence and an exit code. */
import { CommanderError } from 'commander'
import { EXIT, explain } from './exit-codes.ts'
import { buildProgram } from './program.ts'

try {
  const program = buildProgram()
  if (process.argv.length <= 2) program.help({ error: true })
  await program.parseAsync(process.argv)
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.badInput
  } else {
    const { exitCode, message } = explain(error)
    process.stderr.write(`cachescope: ${message}\n`)
    process.exitCode = exitCode
  }
}
// Whatever is still open (a pool, a timer) must not keep a finished command alive.
if (process.exitCode !== undefined) process.exit()
