/** Time and chance, passed in so that tests own them. */
export type Clock = {
  /** Epoch milliseconds. */
  now(): number
  /** Milliseconds of a clock that never steps. */
  monotonic(): number
  /** In [0, 1). */
  random(): number
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  random: () => Math.random(),
}

/** Waits that a stop ends at once. */
export class Sleeper {
  #wake: (() => void) | null = null
  #stopped = false

  /** @returns false when it was ended by `stop` */
  async sleep(ms: number): Promise<boolean> {
    if (this.#stopped) return false
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.max(0, ms))
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#wake = null
    return !this.#stopped
  }

  /** Ends the current wait; the loop goes on. */
  wake(): void {
    this.#wake?.()
  }

  stop(): void {
    this.#stopped = true
    this.#wake?.()
  }
}

/** Waits for the work, and no longer than that. */
export async function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([work, limit])
  clearTimeout(timer)
}
