/**
 * The library's own life beside a client: asks for policies, tells of itself, and keeps trackers and replicas as the
 * policies need them. Runs while the client is connected; none of its timers keeps the process alive, and none of
 * its errors reaches the application.
 */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { Heartbeat } from '../core/protocol/heartbeat.ts'
import { HEARTBEAT_MS, POLL_MS, PROTOCOL_VERSION } from '../core/protocol/policy.ts'
import type { Control, Policy } from './control/control.ts'
import { fitHeartbeat } from './fit-heartbeat.ts'
import { type HotKeys, nameOf } from './hot-keys.ts'
import { type Client, nodesOf } from './ioredis/types.ts'
import type { Layer } from './layer.ts'
import type { LocalTier } from './mitigations/local.ts'
import type { Replicas } from './mitigations/replicas.ts'
import { isDisabledByEnvironment, type Settings } from './options.ts'
import type { OwnWrites } from './own-writes.ts'
import type { Policies } from './policies.ts'
import type { Reader } from './reader.ts'
import type { Trackers } from './tracking/trackers.ts'
import { LIBRARY } from './version.ts'

/** After a policy to be prepared was heard of. */
const MEASURE_MS = 2_000

export type AgentParts = {
  client: Client
  settings: Settings
  control: Control
  policies: Policies
  hotKeys: HotKeys
  local: LocalTier
  trackers: Trackers
  replicas: Replicas
  reader: Reader
  writes: OwnWrites
  /** null where the environment has disabled the library: it tells of that, and does nothing else. */
  layer: Layer | null
  db: () => number
}

export class Agent {
  readonly instanceId = randomUUID()
  readonly #parts: AgentParts
  readonly #startedAt: number
  readonly #listeners: [string, () => void][]
  /** Another one after each start: a step of an earlier one, still on its way, ends with it. */
  #run: object | null = null
  #timers = new Set<NodeJS.Timeout>()
  #errors = 0
  #toldRev = 0

  constructor(parts: AgentParts) {
    this.#parts = parts
    this.#startedAt = parts.settings.wallClock()
    this.#listeners = [
      ['ready', () => this.#start()],
      ['close', () => parts.writes.unbind()],
      ['end', () => this.stop()],
      ['select', () => this.#selected()],
      ['refresh', () => parts.trackers.refresh()],
    ]
    for (const [event, listener] of this.#listeners) parts.client.on(event, listener)
    if (parts.client.status === 'ready') this.#start()
  }

  get errors(): number {
    return this.#errors
  }

  noteError(): void {
    this.#errors++
  }

  get state(): Heartbeat['state'] {
    if (this.#parts.layer === null || isDisabledByEnvironment() || this.#parts.policies.isKilled)
      return 'disabled'
    return this.#parts.policies.live.length > 0 ? 'applying' : 'passing'
  }

  /** Until the client is ready again. */
  stop(): void {
    this.#run = null
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
    this.#parts.policies.drop()
    this.#renew()
    this.#parts.trackers.close()
    this.#parts.replicas.close()
    this.#parts.control.close()
  }

  /** For good. */
  release(): void {
    this.stop()
    for (const [event, listener] of this.#listeners) this.#parts.client.off(event, listener)
  }

  #start(): void {
    this.#parts.trackers.refresh()
    if (this.#run !== null) return
    const run = {}
    this.#run = run
    this.#repeat(
      run,
      () => POLL_MS * (0.8 + 0.4 * this.#parts.settings.random()),
      () => this.#poll(run),
    )
    this.#repeat(
      run,
      () => HEARTBEAT_MS,
      () => this.#beat(),
    )
  }

  async #poll(run: object): Promise<void> {
    const { policies, control, layer } = this.#parts
    if (layer === null) return
    if (isDisabledByEnvironment()) return this.#changed(policies.drop())
    let policy: Policy
    try {
      policy = await control.readPolicy(policies.rev)
    } catch {
      if (this.#run !== run) return
      this.#errors++
      return this.#changed(policies.lapse())
    }
    if (this.#run !== run) return
    if (policy.kind === 'unchanged') policies.confirm()
    this.#changed(policy.kind === 'document' ? policies.accept(policy.text) : policies.lapse())
    if (policies.rev === this.#toldRev) return
    await this.#beat()
    // Two heartbeats make a rate: what is measured before a policy is active is waited for.
    const isPreparing = policies.live.some((live) => live.policy.phase === 'prepare')
    if (isPreparing && this.#run === run) this.#later(MEASURE_MS, () => this.#beat())
  }

  #changed(isChanged: boolean): void {
    const { policies, trackers, replicas, db } = this.#parts
    if (isChanged) this.#renew()
    trackers.follow(policies.live)
    replicas.keep(policies.live, db())
    this.#lapseInTime()
  }

  /** Of another database. */
  #selected(): void {
    const { policies, replicas, db } = this.#parts
    this.#renew()
    replicas.keep(policies.live, db())
  }

  /** What the policies in force mean for the client's methods. */
  #renew(): void {
    const { policies, reader, writes, local, layer, db } = this.#parts
    reader.rename(db())
    writes.rename()
    layer?.update(policies.live.length > 0)
    local.clear(policies.live)
  }

  async #beat(): Promise<void> {
    try {
      const heartbeat = fitHeartbeat(this.#describe())
      await this.#parts.control.sendHeartbeat(heartbeat)
      this.#toldRev = heartbeat.rev
    } catch {
      this.#errors++
    }
  }

  #describe(): Heartbeat {
    const { policies, settings, hotKeys } = this.#parts
    for (const policy of policies.live) {
      const unseen = policy.takeUnseenReads()
      if (unseen > 0) hotKeys.addElsewhere(policy.key, policy.db, unseen)
    }
    const copies = new Set(
      policies.live.flatMap(({ db, variants }) =>
        variants.filter((one) => !one.isBase).map((one) => `${db} ${one.latin1}`),
      ),
    )
    // What reaches a server is not all that is read of them, and other than before.
    const routed = new Set(
      policies.live.filter(({ policy }) => policy.phase !== 'prepare').map(({ key, db }) => nameOf(key, db)),
    )
    return {
      v: PROTOCOL_VERSION,
      app: settings.app,
      instanceId: this.instanceId,
      host: hostname(),
      pid: process.pid,
      library: LIBRARY,
      startedAt: this.#startedAt,
      at: settings.wallClock(),
      rev: policies.rev,
      state: this.state,
      policies: policies.live.map((policy) => policy.report()),
      errors: this.#errors,
      connections: this.#connections(),
      hotKeys: hotKeys.report({
        isHidden: (name) => copies.has(name),
        isTimedElsewhere: (name) => routed.has(name),
      }),
    }
  }

  #connections(): string[] {
    const { client, control, trackers, replicas } = this.#parts
    const nodes = client.isCluster ? nodesOf(client) : [client]
    const streams = [
      ...nodes.map((node) => node.stream),
      ...[control, trackers, replicas].flatMap((part) => part.connections),
    ]
    return streams.flatMap((stream) => {
      const { localAddress, localPort } = stream ?? {}
      if (!localAddress || !localPort || stream?.destroyed) return []
      const address = localAddress.replace(/^::ffff:/, '')
      return [address.includes(':') ? `[${address}]:${localPort}` : `${address}:${localPort}`]
    })
  }

  #lapseInTime(): void {
    const { policies, settings } = this.#parts
    const leftMs = policies.leaseEndMs - settings.now()
    if (policies.leaseEndMs > 0 && leftMs < POLL_MS) {
      this.#later(Math.max(0, leftMs), () => this.#changed(policies.lapse()))
    }
  }

  #repeat(run: object, everyMs: () => number, step: () => Promise<void>): void {
    const turn = async () => {
      await this.#guard(step)
      if (this.#run === run) this.#later(everyMs(), turn)
    }
    void turn()
  }

  /** Trouble of our own is nobody else's: nothing is in force until the next document. */
  async #guard(step: () => unknown): Promise<void> {
    try {
      await step()
    } catch {
      this.#errors++
      this.#parts.policies.drop()
    }
  }

  #later(ms: number, step: () => unknown): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      void this.#guard(step)
    }, ms)
    timer.unref()
    this.#timers.add(timer)
  }
}
