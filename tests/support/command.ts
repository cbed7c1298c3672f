/** Runs a program of ours as a person would, and finds every process that came of it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { NODE } from '../../bin/paths.ts'

/** Bounds a failure only: a machine that others share may be several times as slow as this one. */
const FAILURE_MS = 60_000

export type Run = {
  child: ChildProcess
  /** stdout and stderr so far */
  output: () => string
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  /** Resolves when the output matches; rejects when it ends without. */
  said: (pattern: RegExp) => Promise<void>
  /** The pids of everything that inherited its environment, itself included. */
  processes: () => number[]
}

export function runProgram(
  args: string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Run {
  const marker = randomUUID()
  const child = spawn(NODE, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env, CACHESCOPE_TEST_MARKER: marker },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8')
    stream.on('data', (chunk: string) => {
      output += chunk
    })
  }
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
  return {
    child,
    output: () => output,
    ended,
    processes: () => processesMarked(marker),
    async said(pattern) {
      const deadline = Date.now() + FAILURE_MS
      while (!pattern.test(output)) {
        if (child.exitCode !== null || Date.now() > deadline)
          throw new Error(`It never said ${pattern}:\n${output}`)
        await sleep(20)
      }
    },
  }
}

function processesMarked(marker: string): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(marker)
      } catch {
        return false
      }
    })
}

export async function until(isTrue: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + FAILURE_MS
  while (!isTrue()) {
    if (Date.now() > deadline) throw new Error(`Waited in vain for ${what}.`)
    await sleep(20)
  }
}
