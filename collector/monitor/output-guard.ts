/**
 * Watches from the node's ordinary connection what the node holds for our MONITOR (`omem`), and what is known of the
 * node, while a window is open; closes the socket at once.
 */
import { guardRefusal, maxOutputBytes } from '../../core/hot-keys/guards.ts'
import { NodeFailure } from '../connection/failure.ts'
import type { NodeCommands } from '../connection/node-connection.ts'
import type { NodeFacts } from '../hot-keys/source-types.ts'
import type { Burst } from './burst.ts'

const CHECK_MS = 10
/** A quiet node is asked each 30 ms. */
const QUIET_CHECKS = 3
const LITTLE_BYTES = 256 * 1024

export class OutputGuard {
  /** Why the node's memory for us is not watched; null when it is. */
  refusal: string | null = null
  readonly #commands: NodeCommands
  readonly #facts: () => NodeFacts
  readonly #username: string
  #asking = false
  #asked = 0

  constructor(commands: NodeCommands, facts: () => NodeFacts, username: string | null) {
    this.#commands = commands
    this.#facts = facts
    this.#username = username ?? 'default'
  }

  /** Another server answers: it may permit what the one before refused. */
  forget(): void {
    this.refusal = null
  }

  /** The node did not say which of its clients a burst was. */
  noteUnknownClient(): void {
    this.refusal ??= `What the node holds for MONITOR in its memory cannot be watched: ACL SETUSER ${this.#username} +client|id +client|setname lifts this.`
  }

  /**
   * @param maxBytes at which the burst ends by itself
   * @returns what ends the watching
   */
  watch(burst: Burst, maxBytes: number): () => void {
    const facts = this.#facts()
    if (!knowsOneClient(facts.version)) {
      this.refusal =
        'The node is older than Redis 6.2: what it holds for MONITOR in its memory cannot be watched.'
    }
    const bound = maxOutputBytes(facts)
    const watching = ++this.#asked
    // Where next to nothing is to come, a question each moment would be most of what the node is asked.
    const askEvery = maxBytes <= LITTLE_BYTES ? QUIET_CHECKS : 1
    let checks = 0
    const timer = setInterval(() => {
      if (!burst.isOpen) return
      if (guardRefusal(this.#facts()) !== null) return burst.abort('guard')
      const isDue = ++checks % askEvery === 0
      if (isDue && this.refusal === null && !this.#asking && burst.clientId !== null) {
        void this.#check(burst, burst.clientId, bound, watching)
      }
    }, CHECK_MS)
    return () => clearInterval(timer)
  }

  async #check(burst: Burst, clientId: number, bound: number, watching: number): Promise<void> {
    this.#asking = true
    try {
      const line = String(await this.#commands.call('CLIENT', 'LIST', 'ID', clientId))
      const held = Number(/ omem=(\d+)/.exec(line)?.[1] ?? 0)
      if (held > bound && watching === this.#asked) burst.abort('memory')
    } catch (error) {
      // Of a connection that fails its own watcher tells.
      if (!(error instanceof NodeFailure)) throw error
      if (error.replyCode !== null) {
        this.refusal = `What the node holds for MONITOR in its memory cannot be watched: ACL SETUSER ${this.#username} +client|list lifts this.`
      }
    } finally {
      this.#asking = false
    }
  }
}

/** CLIENT LIST ID came with Redis 6.2; before it the whole list would have to be read. */
function knowsOneClient(version: string | null): boolean {
  const [major = 0, minor = 0] = (version ?? '').split('.').map(Number)
  return major > 6 || (major === 6 && minor >= 2)
}
