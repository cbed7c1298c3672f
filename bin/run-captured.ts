/** Runs a program to its end and keeps what it printed; it ends with us, its own children included. */
import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { LineSplitter } from './child-log.ts'
import { ROOT } from './paths.ts'

const KEPT_CHARACTERS = 200_000
const running = new Set<number>()

export function runCaptured(
  program: string,
  args: string[],
  options: { env?: NodeJS.ProcessEnv; onLine?: (line: string) => void; onStart?: (pid: number) => void } = {},
): Promise<{ code: number; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: ROOT,
      env: options.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    const { pid } = child
    if (pid !== undefined) {
      running.add(pid)
      options.onStart?.(pid)
    }
    let output = ''
    const lines = new LineSplitter((line) => {
      if (line.trim() !== '') options.onLine?.(line.trim())
    })
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8')
      stream.on('data', (chunk: string) => {
        output = (output + chunk).slice(-KEPT_CHARACTERS)
        lines.push(chunk)
      })
    }
    child.once('error', reject)
    child.once('close', (code) => {
      if (pid !== undefined) running.delete(pid)
      resolve({ code: code ?? 1, output })
    })
  })
}

/** Ends everything that runs, with its children: asked first, killed after `graceMs`. */
export async function stopCaptured(graceMs: number): Promise<void> {
  const deadline = Date.now() + graceMs
  signalRunning('SIGTERM')
  while (running.size > 0 && Date.now() < deadline) await sleep(50)
  signalRunning('SIGKILL')
}

function signalRunning(signal: NodeJS.Signals): void {
  for (const pid of running) {
    try {
      process.kill(-pid, signal)
    } catch {
      // already gone
    }
  }
}
