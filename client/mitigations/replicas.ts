/**
 * Reads of a key from any node of its shard: in a Cluster by the client's own connections to its replicas, behind a
 * Sentinel by a second connection to one of them. A plain Redis has no replicas that we know of.
 */
import { besideOf, closeBeside, within } from '../ioredis/side-connection.ts'
import { type Client, isPromise, methodOf, nodeKeyOf, nodesOf } from '../ioredis/types.ts'
import type { LivePolicy } from '../live-policy.ts'
import type { Settings } from '../options.ts'
import type { Plain } from '../plain.ts'
import type { ReadCall } from '../read-call.ts'

/** A replica that was just added is unseen until a Cluster reads its slots again; the client's own interval may be off. */
const SLOTS_REFRESH_MS = 5_000
const CONNECT_MS = 3_000

export class Replicas {
  readonly #client: Client
  readonly #plain: Plain
  readonly #settings: Settings
  /** Behind a Sentinel. */
  #replica: Client | null = null
  #refreshedAtMs = 0

  constructor(client: Client, plain: Plain, settings: Settings) {
    this.#client = client
    this.#plain = plain
    this.#settings = settings
  }

  get connections(): Client['stream'][] {
    return this.#replica === null ? [] : [this.#replica.stream]
  }

  /** @returns null where no replica can be read */
  read(policy: LivePolicy, call: ReadCall): Promise<unknown> | null {
    const count = () => {
      policy.replicaReads++
    }
    if (this.#client.isCluster) {
      if ((this.#client.slots?.[policy.slot]?.length ?? 0) < 2) return null
      return this.#plain.readFromAny(call.method, call.args, count)
    }
    const replica = this.#replica
    // Until it is replaced it reads the database that was selected before.
    if (replica?.status !== 'ready' || replica.options.db !== policy.db) return null
    if (this.#settings.random() < 0.5) return null
    const reading = methodOf(replica, call.method)?.apply(replica, call.args)
    if (!isPromise(reading)) return null
    count()
    return reading
  }

  /** Called now and then, and when another database was selected: connects what is wanted, and closes what is not. */
  keep(policies: readonly LivePolicy[], db: number): void {
    const wanted = policies.filter(
      ({ policy }) =>
        policy.db === db && policy.replicaRead && policy.variants === null && policy.phase !== 'draining',
    )
    if (wanted.length === 0) this.close()
    else if (this.#client.isCluster) this.#keepNodes(wanted)
    else if (this.#client.options.sentinels) this.#keepReplica(db)
  }

  close(): void {
    closeBeside(this.#replica)
    this.#replica = null
  }

  #keepNodes(wanted: LivePolicy[]): void {
    const now = this.#settings.now()
    if (now - this.#refreshedAtMs >= SLOTS_REFRESH_MS) {
      this.#refreshedAtMs = now
      this.#client.refreshSlotsCache?.(() => {})
    }
    const needed = new Set(wanted.flatMap((policy) => this.#client.slots?.[policy.slot] ?? []))
    for (const node of nodesOf(this.#client)) {
      // Connected ahead of the first read, which would wait for it.
      if (node.status === 'wait' && needed.has(nodeKeyOf(node))) node.connect().catch(() => {})
    }
  }

  #keepReplica(db: number): void {
    const { options } = this.#client
    const held = this.#replica
    if (held !== null && held.status !== 'end' && held.options.db === db) return
    this.close()
    const replica = besideOf(this.#client, {
      role: 'slave',
      db,
      readOnly: false,
      keyPrefix: options.keyPrefix,
      ...pick(options, ['protocol', 'replyMapping', 'stringNumbers']),
    })
    this.#replica = replica
    within(CONNECT_MS, 'connecting to a replica', replica.connect()).catch(() => {
      if (this.#replica === replica) this.close()
    })
  }
}

function pick(options: object, names: string[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, Reflect.get(options, name)]))
}
