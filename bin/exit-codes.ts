/** The command's exit codes, and the errors that carry them to the edge. */
import { LookFailure } from '../collector/look/look-failure.ts'
import { CachescopeError } from '../core/errors.ts'

export const EXIT = { ok: 0, internal: 1, badInput: 2, database: 3, missing: 4, cache: 5 } as const

export const EXIT_CODES_HELP = `
Exit codes:
  0    everything went well
  1    an internal error, or a test that failed
  2    bad input: the command line, cachescope.yaml, an environment variable
  3    the database: unreachable, too old, without rights, or newer than this version
  4    something that is needed is missing on this machine: a program, a package, a free port
  5    the cache: out of reach, not what the URL says, or it does not permit what is needed
  129, 130, 143    stopped by SIGHUP, SIGINT (Ctrl-C), SIGTERM; Ctrl-C during a look of hotkeys ends it with 0`

/** An error for the person at the terminal: the message says what to do next. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly exitCode: number

  constructor(exitCode: number, message: string) {
    super(message)
    this.exitCode = exitCode
  }
}

/** What a failed command prints and exits with; an unknown error keeps its stack, for the report. */
export function explain(error: unknown): { exitCode: number; message: string } {
  if (error instanceof CommandError) return { exitCode: error.exitCode, message: error.message }
  if (error instanceof LookFailure) {
    return { exitCode: error.kind === 'input' ? EXIT.badInput : EXIT.cache, message: error.message }
  }
  if (error instanceof CachescopeError) {
    const exitCode = error.code.startsWith('store-') ? EXIT.database : EXIT.badInput
    return { exitCode, message: error.message }
  }
  return {
    exitCode: EXIT.internal,
    message: error instanceof Error ? (error.stack ?? error.message) : String(error),
  }
}
