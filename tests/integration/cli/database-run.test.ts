import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { inRoot, STATE_DIRECTORY } from '../../../bin/paths.ts'
import { type Run, runProgram, until } from '../../support/command.ts'

const PROGRAM = inRoot('tests/support/database-run.ts')
let name: string
let directory: string
let runs: Run[]

beforeEach(() => {
  name = `test-${process.pid}-${Math.random().toString(36).slice(2, 8)}`
  directory = join(STATE_DIRECTORY, name)
  runs = []
})
afterEach(() => {
  for (const run of runs) run.child.kill('SIGKILL')
  for (const pid of servers()) killIfThere(pid)
  rmSync(directory, { recursive: true, force: true })
})

/** A child of a server that was killed before it ends by itself. */
function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function startRun(...args: string[]): Run {
  const run = runProgram([PROGRAM, name, ...args])
  runs.push(run)
  return run
}

/** The servers on this test's data, its set-up included. */
function servers(): number[] {
  const isOurs = (pid: number) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(join(directory, 'postgres', 'data'))
    } catch {
      return false
    }
  }
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter(isOurs)
}

const isLaunched = () => existsSync(join(directory, 'postgres', 'data', 'PG_VERSION')) && servers().length > 0

/** A run that was told to stop after its server was launched and before it was ready: where this came too late, another one. */
async function stopAtLaunch(signal: NodeJS.Signals): Promise<Run> {
  for (let attempt = 1; attempt <= 5; attempt++) {
    const run = startRun()
    await until(isLaunched, 'the server to be launched')
    run.child.kill(signal)
    await run.ended
    if (!run.output().includes('ready')) return run
    rmSync(directory, { recursive: true, force: true })
  }
  throw new Error('Each run was ready before it could be told to stop.')
}

/** Each makes a database anew, more than once. */
const LIMIT = { timeout: 300_000 }

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s while the database starts leaves no server, and what it made is whole',
  LIMIT,
  async (signal) => {
    const stopped = await stopAtLaunch(signal)
    expect(await stopped.ended).toEqual({ code: null, signal })
    expect(servers()).toEqual([])

    const next = startRun()
    await next.said(/ready/)
    next.child.kill(signal)
    await next.ended
    expect(servers()).toEqual([])
  },
)

test(
  'after kill -9 a fresh run ends the server that was left before it forgets its data',
  LIMIT,
  async () => {
    const killed = startRun()
    await killed.said(/ready/)
    const [left] = servers()
    expect(left).toBeDefined()
    killed.child.kill('SIGKILL')
    await killed.ended
    expect(servers()).toContain(left)

    const fresh = startRun('--fresh')
    await fresh.said(/forgotten/)
    expect(servers()).not.toContain(left)
    await fresh.said(/ready/)
    fresh.child.kill('SIGTERM')
    await fresh.ended
    expect(servers()).toEqual([])
  },
)
