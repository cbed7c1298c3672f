/**
 * One run of a command that keeps processes: its place under .cachescope/, one holder at a time, leftovers of a killed
 * run ended first, and signals that end everything in order.
 */
import { join } from 'node:path'
import { CommandError, EXIT } from './exit-codes.ts'
import { STATE_DIRECTORY } from './paths.ts'
import { ProcessFile } from './process-file.ts'
import { stopCaptured } from './run-captured.ts'
import { say } from './setup/progress.mjs'
import { Supervisor } from './supervisor.ts'

const SIGNAL_EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const
export type StopSignal = keyof typeof SIGNAL_EXIT_CODES

/** npm passes a Ctrl-C on that the terminal has sent as well: that is one, not two. */
const SAME_SIGNAL_MS = 1_000

/** For a build that is under way. */
const BUILD_GRACE_MS = 3_000

export type Session = {
  directory: string
  supervisor: Supervisor
  processes: ProcessFile
  print: (line: string) => void
}

/**
 * Runs `body`, then waits for a signal, and stops all that was started whichever way it ends.
 * @param name the folder under .cachescope/ and the lock: one run of a name at a time
 * @returns the signal that ended it
 * @throws CommandError when a child ends in a way that no restart cures; whatever `body` throws
 */
export async function runSession(
  name: string,
  body: (session: Session) => Promise<void>,
): Promise<StopSignal> {
  const directory = join(STATE_DIRECTORY, name)
  const processes = new ProcessFile(join(directory, 'processes.json'))
  const other = processes.runningSupervisor()
  if (other !== null) {
    throw new CommandError(
      EXIT.missing,
      `\`cachescope ${name}\` already runs in this clone (process ${other.pid}). Stop it with Ctrl-C there, or: kill ${other.pid}`,
    )
  }
  const leftovers = await processes.endLeftovers()
  if (leftovers.length > 0) {
    say(
      `Ended ${leftovers.length} processes that a killed run had left: ${leftovers.map((left) => left.name).join(', ')}.`,
    )
  }
  processes.claim()

  const supervisor = new Supervisor({ processes, logDirectory: join(directory, 'logs'), print: say })
  // Whatever way this process ends short of kill -9.
  process.on('exit', () => supervisor.kill())
  const stopped = stopOnSignal(supervisor)
  try {
    // Once everything is being stopped, whatever fails in the body fails because of that.
    const failed = body({ directory, supervisor, processes, print: say }).catch((error: unknown) => {
      if (!supervisor.isStopping) throw error
    })
    return await Promise.race([stopped, supervisor.failure, failed.then(() => stopped)])
  } finally {
    await Promise.all([supervisor.stop(), stopCaptured(BUILD_GRACE_MS)])
  }
}

/** Resolves when everything has stopped because of a signal. */
function stopOnSignal(supervisor: Supervisor): Promise<StopSignal> {
  return new Promise((resolve) => {
    let firstAt: number | null = null
    const onSignal = (signal: StopSignal): void => {
      const now = Date.now()
      if (firstAt === null) {
        firstAt = now
        say('Stopping … (again to stop at once)')
        void supervisor.stop().then(() => resolve(signal))
      } else if (now - firstAt > SAME_SIGNAL_MS) {
        supervisor.kill()
        process.exit(SIGNAL_EXIT_CODES[signal])
      }
    }
    for (const signal of Object.keys(SIGNAL_EXIT_CODES) as StopSignal[]) process.on(signal, onSignal)
  })
}
