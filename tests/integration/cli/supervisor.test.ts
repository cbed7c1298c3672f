import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { inRoot, STATE_DIRECTORY } from '../../../bin/paths.ts'
import { ProcessFile } from '../../../bin/process-file.ts'
import { type Run, runProgram, until } from '../../support/command.ts'

const PROGRAM = inRoot('tests/support/supervised-run.ts')
let name: string
let runs: Run[]

beforeEach(() => {
  name = `test-${process.pid}-${Math.random().toString(36).slice(2, 8)}`
  runs = []
})
afterEach(() => {
  for (const run of runs) for (const pid of run.processes()) killIfThere(pid)
  rmSync(join(STATE_DIRECTORY, name), { recursive: true, force: true })
})

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

async function startRun(): Promise<Run> {
  const run = runProgram([PROGRAM, name])
  runs.push(run)
  await run.said(/ready/)
  // A signal that comes before its trap would end it.
  await run.said(/\[stubborn\] deaf/)
  return run
}

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s stops everything in order and leaves no process',
  async (signal) => {
    const run = await startRun()
    expect(run.processes().length).toBeGreaterThanOrEqual(4)
    run.child.kill(signal)
    // npm passes a Ctrl-C on a second time.
    run.child.kill(signal)
    expect(await run.ended).toEqual({ code: null, signal })
    expect(run.processes()).toEqual([])
    const stages = [...run.output().matchAll(/stopped (\w+)/g)].map((match) => match[1])
    expect(stages).toEqual(['traffic', 'app', 'collector', 'fleet', 'database'])
    expect(run.output()).toContain('stubborn did not stop in time and is killed.')
  },
)

test('a child that ends is started again, later each time', async () => {
  const run = await startRun()
  await run.said(/restless ended with code 7; it is started again in 0.5 s/)
  await run.said(/started again in 1 s/)
  await run.said(/\[restless\] begin[\s\S]*\[restless\] begin/)
  // What it says over and over is shown once.
  expect(run.output().match(/\[restless\] always/g)).toHaveLength(1)
})

test('a child that no restart cures ends the run with its code and its last sentence', async () => {
  const run = runProgram([inRoot('tests/support/incurable-run.ts'), name])
  runs.push(run)
  expect((await run.ended).code).toBe(3)
  expect(run.output()).toBe('cachescope: The database has a newer schema.\n')
  expect(run.processes()).toEqual([])
})

test('after kill -9 a new run ends exactly what was left, and goes on', async () => {
  const killed = await startRun()
  const bystander = spawn('sleep', ['1000'])
  killed.child.kill('SIGKILL')
  await killed.ended
  await until(() => killed.processes().length <= 4, 'the polite child to end with its parent')
  expect(killed.processes().length).toBeGreaterThanOrEqual(2)

  const next = await startRun()
  expect(next.output()).toMatch(/Ended \d+ processes that a killed run had left: .*plain/)
  await until(() => killed.processes().length === 0, 'what was left to be gone')
  expect(bystander.exitCode).toBeNull()
  expect(bystander.kill()).toBe(true)
  next.child.kill('SIGTERM')
  await next.ended
  expect(next.processes()).toEqual([])
})

test('a second run of one name is refused, and does no harm to the first', async () => {
  const first = await startRun()
  const second = runProgram([PROGRAM, name])
  runs.push(second)
  expect((await second.ended).code).not.toBe(0)
  expect(second.output()).toContain(`already runs in this clone (process ${first.child.pid})`)
  expect(first.processes().length).toBeGreaterThanOrEqual(4)
})

test('a pid that is now somebody else is left alone', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'cachescope-processes-'))
  const path = join(directory, 'processes.json')
  const stranger = spawn('sleep', ['1000'])
  try {
    const file = new ProcessFile(path)
    file.claim()
    file.add('sleep', stranger.pid ?? 0)
    const content = JSON.parse(readFileSync(path, 'utf8'))
    content.children[0].startTime = '1'
    writeFileSync(path, JSON.stringify(content))
    expect(await new ProcessFile(path).endLeftovers()).toEqual([])
    expect(stranger.exitCode).toBeNull()
  } finally {
    stranger.kill('SIGKILL')
    rmSync(directory, { recursive: true })
  }
})
