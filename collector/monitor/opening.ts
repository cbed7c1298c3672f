/**
 * The replies that come before MONITOR's stream, one for each command that opened it. Of an error only the first
 * word is kept: the rest can repeat what was sent, and that was a password.
 */

/** `code`: the first word of the error that refused (`NOPERM`), of the reply with that number, 0 the first. */
export type OpeningState =
  | { kind: 'pending' }
  | { kind: 'monitoring' }
  | { kind: 'refused'; code: string; reply: number }

const MAX_WORD = 32
/** No Redis: its first line is no reply. */
const NO_REPLY = '?'

export class Opening {
  #replies = 0
  #reply = 0
  #word = ''
  #wordEnded = false
  #refusal: { code: string; reply: number } | null = null

  begin(replies: number): void {
    this.#replies = replies
    this.#reply = 0
    this.#word = ''
    this.#wordEnded = false
    this.#refusal = null
  }

  get state(): OpeningState {
    if (this.#reply < this.#replies) return { kind: 'pending' }
    return this.#refusal === null ? { kind: 'monitoring' } : { kind: 'refused', ...this.#refusal }
  }

  /** @returns whether the last reply has ended */
  step(byte: number): boolean {
    if (byte === 10) return this.#endReply()
    if (byte === 13 || byte === 32 || this.#word.length === MAX_WORD) this.#wordEnded = true
    if (!this.#wordEnded) this.#word += String.fromCharCode(byte)
    return false
  }

  #endReply(): boolean {
    const isLast = this.#reply === this.#replies - 1
    if (this.#word !== '+OK') {
      const code = this.#word.startsWith('-') ? this.#word.slice(1) : NO_REPLY
      this.#refusal ??= { code, reply: this.#reply }
    } else if (isLast) {
      // A server without a password objects to AUTH, and then monitors all the same: the last reply decides.
      this.#refusal = null
    }
    this.#reply++
    this.#word = ''
    this.#wordEnded = false
    return isLast
  }
}
