import { type Clock, Sleeper } from './clock.ts'
import type { Logger } from './logger.ts'

/** A job that runs again and again, never beside itself. An error ends one run, not the job. */
export class Periodic {
  readonly #name: string
  readonly #everyMs: number
  readonly #run: () => Promise<void>
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #sleeper = new Sleeper()
  #running: Promise<void> | null = null

  constructor(name: string, everyMs: number, run: () => Promise<void>, clock: Clock, logger: Logger) {
    this.#name = name
    this.#everyMs = everyMs
    this.#run = run
    this.#clock = clock
    this.#logger = logger
  }

  start(): void {
    this.#running ??= this.#loop()
  }

  /** Resolves when a run under way has ended. */
  async stop(): Promise<void> {
    this.#sleeper.stop()
    await this.#running
  }

  async #loop(): Promise<void> {
    let due = this.#clock.monotonic()
    for (;;) {
      try {
        await this.#run()
      } catch (error) {
        const { name, code } = error as { name?: string; code?: string }
        // Postgres being away is told once, by the writer.
        const level = code?.startsWith('store-unreachable') ? 'debug' : 'error'
        this.#logger[level](
          { job: this.#name, error: name ?? typeof error, code },
          'a job failed; it runs again',
        )
      }
      const now = this.#clock.monotonic()
      due = Math.max(due + this.#everyMs, now)
      if (!(await this.#sleeper.sleep(due - now))) return
    }
  }
}
