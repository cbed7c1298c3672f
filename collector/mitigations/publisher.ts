/** Publishes policy documents through the cache: at once when they change, else every ten seconds, and a last empty one. */
import { buildPolicyDocument } from '../../core/mitigations/policy-document.ts'
import { LEASE_MS, policyKey } from '../../core/protocol/policy.ts'
import type { RunningMitigation } from '../../store/mitigation-progress.ts'
import type { Clock } from '../clock.ts'
import type { ActionNodes, OnCommand } from './action-nodes.ts'
import { Halted } from './halted.ts'
import { atKey } from './heartbeats.ts'
import type { SlotMap } from './slot-map.ts'

const RENEW_MS = 10_000
const RETRY_MS = 500

type Published = { text: string; at: number }

export class Publisher {
  readonly #options: { nodes: ActionNodes; slots: SlotMap; clock: Clock; onCommand: OnCommand }
  /** By app, as long as it has policies: what it was told last, but for its time. */
  readonly #published = new Map<string, Published>()
  #retryAt = 0

  constructor(options: { nodes: ActionNodes; slots: SlotMap; clock: Clock; onCommand: OnCommand }) {
    this.#options = options
  }

  /** Sends nothing where nothing runs and nothing did. @throws Halted, NodeFailure */
  async publish(apps: readonly string[], running: readonly RunningMitigation[], rev: number): Promise<void> {
    const { clock } = this.#options
    if (clock.monotonic() < this.#retryAt) return
    let failure: unknown = null
    for (const app of new Set([...apps, ...this.#published.keys()])) {
      const document = buildPolicyDocument({ app, running, rev, now: clock.now() })
      const text = JSON.stringify({ ...document, issuedAt: 0 })
      const isEmpty = document.policies.length === 0
      const last = this.#published.get(app)
      if (isEmpty && last === undefined) continue
      const isDue = last === undefined || last.text !== text || clock.monotonic() - last.at >= RENEW_MS
      if (!isDue) continue
      try {
        await this.#send(app, JSON.stringify(document))
      } catch (error) {
        if (error instanceof Halted) throw error
        // The next application's key lies on another node.
        failure = error
        continue
      }
      // The farewell is said once; it runs out by itself.
      if (isEmpty) this.#published.delete(app)
      else this.#published.set(app, { text, at: clock.monotonic() })
    }
    if (failure !== null) throw failure
  }

  async #send(app: string, text: string): Promise<void> {
    try {
      await atKey(policyKey(app), this.#options, (node) =>
        node.call('SET', policyKey(app), text, 'PX', LEASE_MS),
      )
    } catch (error) {
      this.#retryAt = this.#options.clock.monotonic() + RETRY_MS
      throw error
    }
  }
}
