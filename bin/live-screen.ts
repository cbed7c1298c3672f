/** A few lines of a terminal that are drawn over and over, in place: what changes is written, the screen is never blank. */
import type { WriteStream } from 'node:tty'

const HIDE_CURSOR = '\x1b[?25l'
const SHOW_CURSOR = '\x1b[?25h'
/** Terminals that know it show a frame whole; others ignore it. */
const BEGIN_FRAME = '\x1b[?2026h'
const END_FRAME = '\x1b[?2026l'
const CLEAR_LINE = '\x1b[K'
const CLEAR_BELOW = '\x1b[J'

export class LiveScreen {
  readonly #out: WriteStream
  #drawn = 0
  #isResized = false
  readonly #onResize = () => {
    this.#isResized = true
  }
  readonly #onExit = () => this.#out.write(SHOW_CURSOR)

  constructor(out: WriteStream) {
    this.#out = out
    out.on('resize', this.#onResize)
    process.once('exit', this.#onExit)
    out.write(HIDE_CURSOR)
  }

  get width(): number {
    return Math.max(20, this.#out.columns ?? 80)
  }

  /** @param lines none wider than `width` */
  draw(lines: readonly string[]): void {
    const shown = lines.slice(0, Math.max(1, (this.#out.rows ?? 24) - 1))
    const body = shown.map((line) => `${line}${CLEAR_LINE}\n`).join('')
    this.#out.write(`${BEGIN_FRAME}${this.#toTop()}${body}${CLEAR_BELOW}${END_FRAME}`)
    this.#drawn = shown.length
  }

  /** Takes the lines away and gives the terminal back. Idempotent. */
  end(): void {
    this.#out.off('resize', this.#onResize)
    process.off('exit', this.#onExit)
    this.#out.write(`${this.#toTop()}${CLEAR_BELOW}${SHOW_CURSOR}`)
    this.#drawn = 0
  }

  #toTop(): string {
    // Lines that were wrapped anew are not where they were drawn.
    if (this.#isResized) {
      this.#isResized = false
      return '\x1b[2J\x1b[H'
    }
    return this.#drawn === 0 ? '' : `\r\x1b[${this.#drawn}A`
  }
}
