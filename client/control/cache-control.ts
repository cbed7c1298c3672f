/**
 * Control through the cache: `{hk:APP}:pol` is read and heartbeats are written on a connection of our own, in a
 * Cluster to the primary that owns the slot of `{hk:APP}`; every key of an application has that one slot, but `hk:apps`.
 */

import type { Heartbeat } from '../../core/protocol/heartbeat.ts'
import {
  APPS_KEY,
  HEARTBEAT_TTL_MS,
  instanceKey,
  instancesKey,
  LISTS_TTL_MS,
  policyKey,
} from '../../core/protocol/policy.ts'
import { besideOf, within } from '../ioredis/side-connection.ts'
import { slotOf } from '../ioredis/slot.ts'
import { type Client, nodeKeyOf, nodesOf } from '../ioredis/types.ts'
import type { Control, Policy } from './control.ts'
import { ControlConnection } from './control-connection.ts'
import { ServerError } from './resp.ts'

const STEP_MS = 3_000
/** Another connection would be told the same, by a server that has trouble enough. */
const IN_TROUBLE = /^(OOM|NOPERM|MISCONF|NOREPLICAS|BUSY|WRONGTYPE)\b/

export class CacheControl implements Control {
  readonly #client: Client
  readonly #app: string
  /** By the node's name in a Cluster, else under one. */
  readonly #open = new Map<string, ControlConnection>()

  constructor(client: Client, app: string) {
    this.#client = client
    this.#app = app
  }

  get connections(): Client['stream'][] {
    return [...this.#open.values()].map((side) => side.stream)
  }

  async readPolicy(): Promise<Policy> {
    const key = policyKey(this.#app)
    const text = await this.#send(key, 'get', key)
    return typeof text === 'string' ? { kind: 'document', text } : { kind: 'none' }
  }

  async sendHeartbeat(heartbeat: Heartbeat): Promise<void> {
    const key = instanceKey(this.#app, heartbeat.instanceId)
    const instances = instancesKey(this.#app)
    await Promise.all([
      this.#send(key, 'set', key, JSON.stringify(heartbeat), 'PX', HEARTBEAT_TTL_MS),
      this.#send(instances, 'zadd', instances, heartbeat.at, heartbeat.instanceId),
      this.#send(instances, 'pexpire', instances, LISTS_TTL_MS),
      this.#send(APPS_KEY, 'zadd', APPS_KEY, heartbeat.at, this.#app),
      this.#send(APPS_KEY, 'pexpire', APPS_KEY, LISTS_TTL_MS),
    ])
  }

  close(): void {
    for (const side of this.#open.values()) side.close()
    this.#open.clear()
  }

  async #send(key: string, ...command: (string | number)[]): Promise<unknown> {
    const [name, source] = this.#ownerOf(key)
    const side = await this.#connected(name, source)
    try {
      return await within(STEP_MS, String(command[0]), side.send(...command))
    } catch (error) {
      // A slot that has moved: the client itself may use none of its keys and never learn of it.
      if (String(error).includes('MOVED')) this.#client.refreshSlotsCache?.(() => {})
      else if (!(error instanceof ServerError && IN_TROUBLE.test(error.message))) this.#drop(name, side)
      throw error
    }
  }

  #ownerOf(key: string): [string, Client] {
    if (!this.#client.isCluster) return ['', this.#client]
    const owner = this.#client.slots?.[slotOf(Buffer.from(key))]?.[0]
    const node = nodesOf(this.#client, 'master').find((one) => nodeKeyOf(one) === owner)
    if (owner === undefined || node === undefined) throw new Error(`no node is known for the slot of ${key}`)
    return [owner, node]
  }

  async #connected(name: string, source: Client): Promise<ControlConnection> {
    for (const [other, side] of this.#open) if (this.#isForeign(other)) this.#drop(other, side)
    const held = this.#open.get(name)
    if (held?.isOpen) {
      await within(STEP_MS, 'connecting', held.ready)
      return held
    }
    const side = new ControlConnection(besideOf(source))
    this.#open.set(name, side)
    try {
      await within(STEP_MS, 'connecting', side.ready)
      return side
    } catch (error) {
      this.#drop(name, side)
      throw error
    }
  }

  /** A Cluster's node that is not a primary any more. */
  #isForeign(name: string): boolean {
    return this.#client.isCluster && !nodesOf(this.#client, 'master').some((node) => nodeKeyOf(node) === name)
  }

  #drop(name: string, side: ControlConnection): void {
    side.close()
    if (this.#open.get(name) === side) this.#open.delete(name)
  }
}
