/** Even load: how many actions are due, given the time since the last question; fractions are carried over. */
export class Pace {
  #owed = 0

  /** A pause (a stopped process, a blocked loop) is not made up for with a burst longer than `maxCatchUpMs`. */
  due(perSec: number, elapsedMs: number, maxCatchUpMs = 200): number {
    this.#owed += (perSec * Math.min(elapsedMs, maxCatchUpMs)) / 1000
    const whole = Math.floor(this.#owed)
    this.#owed -= whole
    return whole
  }
}
