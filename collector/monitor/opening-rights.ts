/** What a burst may say before MONITOR: what the node refuses is not asked for again, and the burst goes on without. */
import type { BurstOpening, BurstResult } from './burst.ts'

export class OpeningRights {
  #limited = true
  #named = true

  /** Another server answers: it may permit what the one before refused. */
  forget(): void {
    this.#limited = true
    this.#named = true
  }

  opening(version: string | null): BurstOpening {
    return { limited: this.#limited && knowsHello(version), named: this.#named }
  }

  /** Why nothing limits what the node holds for MONITOR should our process be stopped; null when a limit does. */
  refusal(version: string | null, username: string | null): string | null {
    if (version !== null && !knowsHello(version)) {
      return 'The node is older than Redis 6: nothing limits what it holds for MONITOR should our process be stopped.'
    }
    return this.#limited
      ? null
      : `Nothing limits what the node holds for MONITOR should our process be stopped: ACL SETUSER ${username ?? 'default'} +hello +subscribe &cachescope-monitor lifts this.`
  }

  /** @returns whether something was refused that was not known to be */
  learn({ refused, end }: BurstResult): boolean {
    // Without being signed in everything is refused, and says nothing.
    if (end.kind === 'refused' && end.code !== 'ERR' && end.code !== 'NOPERM') return false
    if (refused.includes('hello') || refused.includes('subscribe')) this.#limited = false
    else if (refused.length > 0) this.#named = false
    return refused.length > 0
  }
}

/** HELLO came with Redis 6. */
function knowsHello(version: string | null): boolean {
  return Number((version ?? '').split('.')[0]) >= 6
}
