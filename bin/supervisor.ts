/**
 * Starts children and answers for them: their logs, their restarts, and their end, in order. Each child leads a process
 * group of its own, so a Ctrl-C at the terminal reaches only us, and no grandchild outlives its group.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type LineFilter, LineSplitter, LogFile } from './child-log.ts'
import { CommandError } from './exit-codes.ts'
import type { ProcessFile } from './process-file.ts'

/** Stages end in this order, all of one stage at once. */
const STAGES = ['traffic', 'app', 'collector', 'fleet', 'database'] as const
export type Stage = (typeof STAGES)[number]

export type ChildOptions = {
  name: string
  stage: Stage
  program: string
  args: string[]
  env?: NodeJS.ProcessEnv
  cwd?: string
  /** Started again, with back-off, when it ends without being told to. */
  restart?: boolean
  /** Codes that no restart cures: the run fails with them. */
  incurableCodes?: readonly number[]
  /** An IPC channel, which a child of ours watches: it ends when we die. */
  ipc?: boolean
  /** What of its lines the terminal shows; nothing by default. */
  show?: LineFilter
  stopSignal?: NodeJS.Signals
  /** From the signal to SIGKILL; 10 s by default. */
  graceMs?: number
}

export type Child = {
  readonly name: string
  readonly stage: Stage
  /** null while it is not running. */
  readonly pid: number | null
  /** The last lines it printed, oldest first. */
  lastLines(): string[]
  /** Resolves at its next end with what happened, in words. */
  ended(): Promise<string>
  /** False when it does not run. */
  signal(signal: NodeJS.Signals): boolean
  /** Starts it again after it has ended and was not to be restarted. */
  start(): void
  stop(): Promise<void>
}

type Log = (line: string) => void

const FIRST_BACKOFF_MS = 500
const MAX_BACKOFF_MS = 30_000
/** A child that ran this long starts its back-off anew. */
const STEADY_MS = 60_000
const KEPT_LINES = 30
const REPEAT_AFTER_MS = 60_000

export class Supervisor {
  readonly #children: ManagedChild[] = []
  readonly #finishers: { stage: Stage; finish: () => Promise<void>; kill: () => void }[] = []
  readonly #context: ChildContext
  readonly #failure = Promise.withResolvers<never>()
  #stopping: Promise<void> | null = null

  /** `print` shows a line to the person; `logDirectory` gets a file for each child. */
  constructor(options: { processes: ProcessFile; logDirectory: string; print: Log }) {
    this.#context = {
      ...options,
      isStopping: () => this.#stopping !== null,
      fail: (error) => this.#failure.reject(error),
    }
    this.#failure.promise.catch(() => {})
  }

  /** Rejects with a CommandError when a child ends in a way that no restart cures. */
  get failure(): Promise<never> {
    return this.#failure.promise
  }

  get isStopping(): boolean {
    return this.#stopping !== null
  }

  start(options: ChildOptions): Child {
    if (this.#stopping !== null) throw new Error(`${options.name} cannot start: everything is being stopped.`)
    const child = new ManagedChild(options, this.#context)
    this.#children.push(child)
    child.start()
    return child
  }

  /**
   * Something that is no child of ours but ends at a stage too, after the stage's children.
   * `kill` ends it at once where there is no time.
   * @throws Error once everything is being stopped: nobody would call it
   */
  onStop(stage: Stage, finish: () => Promise<void>, kill: () => void = () => {}): void {
    if (this.#stopping !== null) throw new Error(`The ${stage} cannot start: everything is being stopped.`)
    this.#finishers.push({ stage, finish, kill })
  }

  /** Idempotent; resolves when nothing runs any more. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll()
    return this.#stopping
  }

  /** At once, without order or grace. */
  kill(): void {
    for (const child of this.#children) child.kill()
    for (const finisher of this.#finishers) finisher.kill()
  }

  async #stopAll(): Promise<void> {
    for (const stage of STAGES) {
      await Promise.all(this.#children.filter((child) => child.stage === stage).map((child) => child.stop()))
      for (const finisher of this.#finishers.filter((each) => each.stage === stage)) {
        await finisher
          .finish()
          .catch((error: unknown) => this.#context.print(`Stopping the ${stage}: ${String(error)}`))
      }
    }
    this.#finishers.length = 0
    this.#context.processes.remove()
  }
}

type ChildContext = {
  processes: ProcessFile
  logDirectory: string
  print: Log
  isStopping: () => boolean
  fail: (error: CommandError) => void
}

class ManagedChild implements Child {
  readonly #options: ChildOptions
  readonly #context: ChildContext
  readonly #file: LogFile
  readonly #lines: string[] = []
  readonly #shownAt = new Map<string, number>()
  #process: ChildProcess | null = null
  #end = Promise.withResolvers<string>()
  #wanted = false
  #backoffMs = FIRST_BACKOFF_MS
  #restartTimer: NodeJS.Timeout | null = null

  constructor(options: ChildOptions, context: ChildContext) {
    this.#options = options
    this.#context = context
    this.#file = new LogFile(join(context.logDirectory, `${options.name}.log`))
  }

  get name(): string {
    return this.#options.name
  }

  get stage(): Stage {
    return this.#options.stage
  }

  get pid(): number | null {
    return this.#process?.pid ?? null
  }

  lastLines(): string[] {
    return [...this.#lines]
  }

  ended(): Promise<string> {
    return this.#end.promise
  }

  start(): void {
    if (this.#process !== null) return
    this.#wanted = true
    const { program, args, cwd, env, ipc = false } = this.#options
    const child = spawn(program, args, {
      cwd,
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', ...(ipc ? ['ipc' as const] : [])],
    })
    this.#process = child
    const startedAt = Date.now()
    if (child.pid !== undefined) this.#context.processes.add(this.name, child.pid)
    for (const stream of [child.stdout, child.stderr]) this.#readLines(stream)
    let failure: string | null = null
    child.once('error', (error) => {
      failure = error.message
      if (child.pid === undefined) this.#onEnd(child, startedAt, `could not start: ${error.message}`)
    })
    child.once('exit', (code, signal) => {
      if (code !== null && this.#wanted && this.#options.incurableCodes?.includes(code)) {
        this.#wanted = false
        // Its last words may still be on their way.
        child.once('close', () => this.#context.fail(new CommandError(code, this.#lastWords())))
      }
      this.#onEnd(
        child,
        startedAt,
        failure ?? (signal === null ? `ended with code ${code}` : `was ended by ${signal}`),
      )
    })
  }

  signal(signal: NodeJS.Signals): boolean {
    return this.#process?.kill(signal) ?? false
  }

  async stop(): Promise<void> {
    this.#wanted = false
    if (this.#restartTimer !== null) clearTimeout(this.#restartTimer)
    if (this.#process === null) return
    const end = this.#end.promise
    this.signal(this.#options.stopSignal ?? 'SIGTERM')
    // A paused process acts on the signal only once it goes on.
    this.signal('SIGCONT')
    const grace = new AbortController()
    const late = sleep(this.#options.graceMs ?? 10_000, 'late', { signal: grace.signal }).catch(
      () => 'aborted',
    )
    if ((await Promise.race([end, late])) === 'late') {
      this.#context.print(`${this.name} did not stop in time and is killed.`)
      this.kill()
      await end
    }
    grace.abort()
  }

  kill(): void {
    this.#wanted = false
    if (this.#restartTimer !== null) clearTimeout(this.#restartTimer)
    const pid = this.#process?.pid
    if (pid !== undefined) killGroup(pid)
  }

  #lastWords(): string {
    const show = this.#options.show ?? ((line: string) => line)
    const words = this.#lines.map(show).findLast((line) => line !== null && line.trim() !== '')
    return words ?? `${this.name} ended and said nothing.`
  }

  #readLines(stream: NodeJS.ReadableStream | null): void {
    if (stream === null) return
    const splitter = new LineSplitter((line) => this.#onLine(line))
    stream.setEncoding('utf8')
    stream.on('data', (chunk: string) => splitter.push(chunk))
    stream.on('end', () => splitter.end())
  }

  #onLine(line: string): void {
    this.#file.write(line)
    this.#lines.push(line)
    if (this.#lines.length > KEPT_LINES) this.#lines.shift()
    const shown = this.#options.show?.(line) ?? null
    if (shown === null || shown.trim() === '' || this.#context.isStopping()) return
    const now = Date.now()
    // What fails at every request is worth a line now and then, not a flood; the file has all of it.
    if (now - (this.#shownAt.get(shown) ?? 0) < REPEAT_AFTER_MS) return
    if (this.#shownAt.size >= KEPT_LINES) this.#shownAt.clear()
    this.#shownAt.set(shown, now)
    this.#context.print(`[${this.name}] ${shown}`)
  }

  #onEnd(child: ChildProcess, startedAt: number, how: string): void {
    if (this.#process !== child) return
    this.#process = null
    if (child.pid !== undefined) {
      killGroup(child.pid)
      this.#context.processes.delete(child.pid)
    }
    const end = this.#end
    this.#end = Promise.withResolvers<string>()
    end.resolve(how)
    if (this.#wanted && this.#options.restart === true && !this.#context.isStopping()) {
      this.#restart(how, Date.now() - startedAt)
    }
  }

  #restart(how: string, ranMs: number): void {
    if (ranMs >= STEADY_MS) this.#backoffMs = FIRST_BACKOFF_MS
    this.#context.print(`${this.name} ${how}; it is started again in ${this.#backoffMs / 1000} s.`)
    this.#restartTimer = setTimeout(() => this.start(), this.#backoffMs)
    this.#backoffMs = Math.min(this.#backoffMs * 2, MAX_BACKOFF_MS)
  }
}

/** Whatever is left of the group that a child led. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // nobody is left
  }
}
