/** Runs an action as the reconciler would, with a store that is a map, and kills it where a test wants. */

import { type Credentials, NodeConnection } from '../../collector/connection/node-connection.ts'
import { placeOf } from '../../collector/discovery.ts'
import type { Action, ActionContext, Outcome } from '../../collector/mitigations/action.ts'
import type { CacheConfig } from '../../core/config.ts'
import type { Mitigation, ServerAction } from '../../core/mitigations/model.ts'
import type { Observed } from '../../core/mitigations/observed.ts'
import { PARAMETERS } from '../../core/mitigations/parameters.ts'
import type { Topology } from '../../core/sample.ts'
import { delay } from './redis.ts'

class Killed extends Error {}

export type RunOptions = {
  action: Action
  name: ServerAction
  target: Mitigation['target']
  parameters?: Record<string, unknown>
  cache: CacheConfig
  topology: Topology
  credentials?: Credentials
  /** Of nodes that another user signs in to: sentinels. */
  credentialsOf?: (address: string) => Credentials
  shardOrdinals?: ReadonlyMap<number, number>
  nodeAddresses?: ReadonlyMap<number, string>
  now?: () => number
  reading?: ActionContext['reading']
  mitigationId?: number
  /** What else runs. */
  others?: ActionContext['others']
  /** As it was shown when it was asked for. */
  preview?: Mitigation['preview']
}
/** Just before a command is sent, or once it was answered: `{ after: 'SENTINEL FAILOVER mymaster' }`. */
type Moment = { before?: string; after?: string }
export type RecordedStep = {
  phase: string
  name: string
  command: string | null
  node: string | null
  result: 'started' | 'ok' | 'failed'
}

/** Bounds a failure only: what the servers give up is asked for again for most of a minute. */
const PATIENCE_MS = 100_000
const TIME = '2026-01-01T00:00:00.000Z'
const PLAIN: Credentials = { username: null, password: null, tls: null }

export function cacheConfig(kind: CacheConfig['kind'], more: Partial<CacheConfig> = {}): CacheConfig {
  return {
    cacheId: 'shop',
    kind,
    seeds: [],
    username: null,
    password: null,
    tls: null,
    sentinel: null,
    intervalMs: 2_000,
    hotKeys: { enabled: false, budget: 0.01, maxLatencyMs: 20, nodes: new Map() },
    mitigations: { enabled: true, username: null, password: null, proofWindowMs: 10_000 },
    ...more,
  }
}

export class ActionRun {
  readonly steps: RecordedStep[] = []
  state: unknown = null
  phase: 'prepare' | 'active' | 'draining' | 'off' = 'prepare'
  readonly messages: string[] = []
  readonly progress: { done: number; total: number; unit: string }[] = []
  /** All commands that were sent, names with their subcommands. */
  readonly sent: string[] = []
  /** The same with their nodes, word by word. */
  readonly calls: { node: string; words: string[] }[] = []
  readonly #options: RunOptions
  #killIn = Number.POSITIVE_INFINITY
  #killAt: Moment = {}
  #connections = new Map<string, NodeConnection>()

  constructor(options: RunOptions) {
    this.#options = options
  }

  /** Kills at the n-th point from now; 0 is the next. */
  killIn(points: number): void {
    this.#killIn = points
  }

  /** Whether the kill that was asked for is still to come. */
  get isKillPending(): boolean {
    return this.#killIn !== Number.POSITIVE_INFINITY
  }

  /** Until it is active for good or off; a kill begins anew with what was saved. */
  async on(timeoutMs = PATIENCE_MS): Promise<Outcome> {
    return await this.#loop(timeoutMs, () => this.#next())
  }

  /**
   * Begins, and dies at the n-th point, or at a command that changes something: what is left is for a drain, or another
   * run. What is tried again has more points, and the same commands.
   * @returns false when it ended before
   */
  async dieAt(at: number | Moment): Promise<boolean> {
    if (typeof at === 'number') this.killIn(at)
    else this.#killAt = at
    try {
      for (;;) {
        const outcome = await this.#next()
        if (outcome.kind !== 'wait') return false
        await delay(5)
      }
    } catch (error) {
      if (!(error instanceof Killed)) throw error
      this.close()
      return true
    }
  }

  async watch(): Promise<Outcome> {
    return await this.#options.action.watch(this.#context())
  }

  async observe(when: 'before' | 'after'): Promise<Observed | null> {
    return (await this.#options.action.observe?.(this.#context(), when)) ?? null
  }

  async drain(timeoutMs = PATIENCE_MS): Promise<Outcome> {
    this.phase = 'draining'
    return await this.#loop(timeoutMs, () => this.#options.action.drain(this.#context()))
  }

  close(): void {
    for (const connection of this.#connections.values()) connection.close()
    this.#connections.clear()
  }

  async #loop(timeoutMs: number, once: () => Promise<Outcome>): Promise<Outcome> {
    const end = Date.now() + timeoutMs
    for (;;) {
      try {
        const outcome = await once()
        if (outcome.kind !== 'wait') {
          this.close()
          return outcome
        }
        this.messages.push(outcome.message)
        if (outcome.progress) this.progress.push(outcome.progress)
      } catch (error) {
        if (!(error instanceof Killed)) throw error
        this.close()
      }
      if (Date.now() > end) throw new Error(`still waiting: ${this.messages.at(-1)}`)
      await delay(20)
    }
  }

  async #next(): Promise<Outcome> {
    const { action } = this.#options
    if (this.phase === 'prepare') {
      const outcome = await action.prepare(this.#context())
      if (outcome.kind !== 'done') return outcome
      this.phase = 'active'
    }
    return await action.activate(this.#context())
  }

  #point(moment: Moment = {}): void {
    const { before, after } = this.#killAt
    const isNamed =
      (before !== undefined && before === moment.before) || (after !== undefined && after === moment.after)
    if (this.#killIn-- > 0 && !isNamed) return
    this.#killIn = Number.POSITIVE_INFINITY
    this.#killAt = {}
    throw new Killed()
  }

  #context(): ActionContext {
    const { cache, topology, name, target, parameters = {}, now = Date.now } = this.#options
    const run = this
    const phase = this.phase
    const mitigation: Mitigation = {
      mitigationId: this.#options.mitigationId ?? 1,
      cacheId: cache.cacheId,
      action: name,
      target,
      parameters: PARAMETERS[name].parse(parameters),
      label: 'target',
      overrides: [],
      phase: 'active',
      phaseSince: new Date(now()).toISOString(),
      createdAt: TIME,
      requestedBy: 'test',
      desired: 'on',
      actor: 'test',
      reason: 'test',
      expiresAt: TIME,
      rev: 1,
      message: null,
      isMeasured: false,
      outcome: null,
      progress: null,
      acknowledgement: null,
      preview: this.#options.preview ?? null,
      proof: null,
    }
    return {
      mitigation,
      cache,
      topology,
      shardOrdinals:
        this.#options.shardOrdinals ?? new Map(topology.shards.map((s) => [s.ordinal, s.ordinal])),
      nodeAddresses: this.#options.nodeAddresses ?? new Map(),
      now,
      random: Math.random,
      reading: this.#options.reading ?? (() => null),
      node: (address, db = 0) => this.#node(address, db),
      async step(options, body) {
        const before = run.steps.find((step) => step.phase === phase && step.name === options.name)
        if (before?.result === 'ok') return undefined
        run.#point()
        const { name: stepName, command = null, node = null } = options
        const step: RecordedStep = before ?? { phase, name: stepName, command, node, result: 'started' }
        if (!before) run.steps.push(step)
        run.#point()
        try {
          const value = await body()
          run.#point()
          step.result = 'ok'
          return value
        } catch (error) {
          if (!(error instanceof Killed)) step.result = 'failed'
          throw error
        }
      },
      state: this.state,
      async saveState(state) {
        run.#point()
        run.state = JSON.parse(JSON.stringify(state))
        run.#point()
      },
      lagSeconds: () => null,
      isSampled: true,
      acknowledgement: null,
      others: this.#options.others ?? [],
      signal: new AbortController().signal,
    }
  }

  async #node(address: string, db: number) {
    const name = `${address} ${db}`
    let connection = this.#connections.get(name)
    if (!connection?.isOpen) {
      const { credentials = PLAIN, credentialsOf } = this.#options
      connection?.close()
      connection = new NodeConnection(placeOf(address), credentialsOf?.(address) ?? credentials)
      await connection.open()
      if (db !== 0) await connection.call('SELECT', db)
      this.#connections.set(name, connection)
    }
    const open = connection
    const counted = async <T>(command: string, args: unknown[], call: () => Promise<T>): Promise<T> => {
      const isChange = CHANGES.test([command, ...args.slice(0, 2)].join(' '))
      const words = [command, ...args].map(String)
      const text = words.join(' ')
      if (isChange) this.#point({ before: text })
      this.sent.push(text)
      this.calls.push({ node: address, words })
      const reply = await call()
      if (isChange) this.#point({ after: text })
      return reply
    }
    return {
      address,
      call: (command: string, ...args: Parameters<NodeConnection['call']>[1][]) =>
        counted(command, args, () => open.call(command, ...args)),
      callBuffer: (command: string, ...args: Parameters<NodeConnection['call']>[1][]) =>
        counted(command, args, () => open.callBuffer(command, ...args)),
    }
  }
}

/** Commands after which the world is another. */
const CHANGES =
  /^(FAILOVER|REPLICAOF|MIGRATE|PEXPIREAT|EXEC|CONFIG SET|ACL SETUSER|CLUSTER (FAILOVER|SETSLOT|MIGRATION (IMPORT|CANCEL)|MIGRATESLOTS|CANCEL)|SENTINEL FAILOVER|CLIENT (PAUSE|UNPAUSE|KILL))/
