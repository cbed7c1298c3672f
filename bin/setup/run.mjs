/** Runs a program to its end, keeps the last of what it printed, and takes it along when we are told to stop. */
import { spawn } from 'node:child_process'

const KEPT_CHARACTERS = 64 * 1024
const running = new Set()

/** A set-up step that cannot go on: the message says what to do next, the code is the command's exit code. */
export class SetupError extends Error {
  /** @param {number} exitCode @param {string} message */
  constructor(exitCode, message) {
    super(message)
    this.exitCode = exitCode
  }
}

/**
 * @param {string} program
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, onLine?: (line: string) => void, onStart?: (pid: number) => void }} options
 * @returns {Promise<{ code: number, output: string }>} code 127 when the program is not there
 */
export function run(program, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: options.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, so that its own children can be ended with it.
      detached: true,
    })
    running.add(child)
    if (child.pid !== undefined) options.onStart?.(child.pid)
    let output = ''
    const keep = (chunk) => {
      output = (output + chunk).slice(-KEPT_CHARACTERS)
      const lines = String(chunk)
        .split('\n')
        .filter((line) => line.trim() !== '')
      const last = lines.at(-1)
      if (last !== undefined) options.onLine?.(last.trim())
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    const end = (code) => {
      running.delete(child)
      resolve({ code, output })
    }
    child.on('error', (error) => {
      output += `${error.message}\n`
      end(127)
    })
    child.on('close', (code, signal) => end(code ?? (signal ? 1 : 0)))
  })
}

/** Ends what runs, with its children. */
export function stopRunning() {
  for (const child of running) {
    try {
      process.kill(-child.pid, 'SIGTERM')
    } catch {
      // already gone
    }
  }
}

/** @param {string} text @param {number} count */
export function lastLines(text, count) {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-count)
    .join('\n')
}
