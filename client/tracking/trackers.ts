/**
 * A tracker on every primary that owns a key which is held locally: after a failover or a slot's move on the new one.
 * Whenever a key's tracking begins or ends, what was read before is forgotten.
 */
import { type Client, nodeKeyOf, nodesOf } from '../ioredis/types.ts'
import type { LivePolicy } from '../live-policy.ts'
import { minimalPrefixes, startsWith } from './prefixes.ts'
import { Tracker } from './tracker.ts'

const RETRY_MS = 500
/** Where none can be armed, as without the right to CLIENT TRACKING. */
const MAX_RETRY_MS = 5_000
/** Of a client that is not a Cluster: its only one. */
const SELF = 'self'

type Followed = { owner: string; prefixes: Buffer[]; name: string; tracker: Tracker }
type Wanted = { owner: string; source: Client; prefixes: Buffer[]; name: string }

export class Trackers {
  readonly #client: Client
  #followed: Followed[] = []
  #policies: LivePolicy[] = []
  #retry: NodeJS.Timeout | null = null
  /** In a row, of those that never came to be armed. */
  #failures = 0
  #isClosed = false

  constructor(client: Client) {
    this.#client = client
  }

  get connections(): Client['stream'][] {
    return this.#followed.map(({ tracker }) => tracker.stream)
  }

  /** Whether the key's owner is the one whose invalidations are heard. */
  isHeard(policy: LivePolicy): boolean {
    if (policy.policy.local?.track === false) return true
    if (policy.tracker !== 'armed') return false
    const owner = this.#ownerOf(policy)
    return this.#followed.some((one) => isArmedFor(one, owner, policy))
  }

  /** Follows these policies' keys from now on; also called when owners may have changed. */
  follow(policies: readonly LivePolicy[]): void {
    this.#isClosed = false
    this.#policies = policies.filter((one) => one.policy.local?.track && one.policy.phase !== 'draining')
    this.refresh()
  }

  refresh(): void {
    if (this.#isClosed) return
    // The application's own connection may have gone to another server since.
    for (const { tracker } of [...this.#followed]) {
      if (tracker.state === 'armed' && this.#isElsewhere(tracker)) tracker.close()
    }
    const wanted = this.#wanted()
    for (const group of wanted) {
      const has = this.#followed.some((one) => one.name === group.name && one.tracker.state !== 'down')
      if (!has && this.#retry === null) this.#open(group)
    }
    this.#closeUnwanted(wanted)
    this.#tell()
  }

  close(): void {
    this.#isClosed = true
    this.#policies = []
    if (this.#retry !== null) clearTimeout(this.#retry)
    this.#retry = null
    for (const { tracker } of [...this.#followed]) tracker.close()
    this.#followed = []
  }

  #wanted(): Wanted[] {
    if (this.#client.status !== 'ready') return []
    const byOwner = new Map<string, { source: Client; keys: Buffer[] }>()
    for (const policy of this.#policies) {
      const owner = this.#ownerOf(policy)
      const source = owner === null ? undefined : this.#sourceOf(owner)
      if (owner === null || source === undefined) {
        this.#retrySoon()
        continue
      }
      const group = byOwner.get(owner) ?? { source, keys: [] }
      group.keys.push(policy.key)
      byOwner.set(owner, group)
    }
    return [...byOwner].map(([owner, { source, keys }]) => {
      const prefixes = minimalPrefixes(keys)
      const name = [owner, ...prefixes.map((prefix) => prefix.toString('base64'))].join(' ')
      return { owner, source, prefixes, name }
    })
  }

  #open({ owner, source, prefixes, name }: Wanted): void {
    let wasArmed = false
    const tracker = new Tracker(prefixes, {
      armed: () => {
        if (this.#isElsewhere(tracker)) return tracker.close()
        wasArmed = true
        this.#failures = 0
        this.refresh()
      },
      invalidated: (keys) => this.#invalidate(keys),
      down: () => {
        this.#followed = this.#followed.filter((one) => one.tracker !== tracker)
        if (!wasArmed) this.#failures++
        this.#tell()
        this.#retrySoon()
      },
    })
    this.#followed.push({ owner, prefixes, name, tracker })
    void tracker.arm(source)
  }

  /** One that is not wanted any more stays until its successor is armed. */
  #closeUnwanted(wanted: Wanted[]): void {
    for (const one of [...this.#followed]) {
      const successor = wanted.find((group) => group.owner === one.owner)
      if (successor?.name === one.name) continue
      const isReplaced = this.#followed.some(
        ({ name, tracker }) => name === successor?.name && tracker.state === 'armed',
      )
      if (successor === undefined || isReplaced || one.tracker.state !== 'armed') one.tracker.close()
    }
  }

  #tell(): void {
    for (const policy of this.#policies) {
      const owner = this.#ownerOf(policy)
      const isArmed = this.#followed.some((one) => isArmedFor(one, owner, policy))
      const state = isArmed ? 'armed' : 'down'
      if (policy.tracker === state) continue
      policy.tracker = state
      policy.forget()
    }
  }

  #invalidate(keys: Buffer[] | null): void {
    for (const policy of this.#policies) {
      if (keys !== null && !keys.some((key) => key.equals(policy.key))) continue
      policy.invalidations++
      policy.forget()
    }
  }

  #retrySoon(): void {
    if (this.#isClosed || this.#retry !== null) return
    this.#retry = setTimeout(
      () => {
        this.#retry = null
        // An owner that is gone: the application's own reads may do without it, and never learn of the next.
        this.#client.refreshSlotsCache?.(() => {})
        this.refresh()
      },
      Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** Math.max(0, this.#failures - 1)),
    )
    this.#retry.unref()
  }

  #ownerOf(policy: LivePolicy): string | null {
    return this.#client.isCluster ? (this.#client.slots?.[policy.slot]?.[0] ?? null) : SELF
  }

  #sourceOf(owner: string): Client | undefined {
    if (!this.#client.isCluster) return this.#client
    return nodesOf(this.#client, 'master').find((node) => nodeKeyOf(node) === owner)
  }

  /** Behind a Sentinel or a name, two connections may lead to two servers. */
  #isElsewhere(tracker: Tracker): boolean {
    const { stream, status, isCluster } = this.#client
    if (isCluster || status !== 'ready' || !stream || !tracker.stream) return false
    const { remoteAddress, remotePort } = tracker.stream
    return stream.remoteAddress !== remoteAddress || stream.remotePort !== remotePort
  }
}

const isArmedFor = (one: Followed, owner: string | null, policy: LivePolicy): boolean =>
  one.owner === owner &&
  one.tracker.state === 'armed' &&
  one.prefixes.some((prefix) => startsWith(policy.key, prefix))
