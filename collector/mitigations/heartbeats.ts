/**
 * Reads the heartbeats that applications leave in the cache itself (hk/1): who is there, what each has applied. Bounded
 * in every direction, and cheap while nobody is there: one command a round.
 */

import type { Heartbeat } from '../../core/protocol/heartbeat.ts'
import { appName, HEARTBEAT_MAX_BYTES, parseHeartbeatJson } from '../../core/protocol/parse-heartbeat.ts'
import { APPS_KEY, HEARTBEAT_TTL_MS, instanceKey, instancesKey } from '../../core/protocol/policy.ts'
import type { Clock } from '../clock.ts'
import { NodeFailure } from '../connection/failure.ts'
import type { ActionNode } from './action.ts'
import type { ActionNodes, OnCommand } from './action-nodes.ts'
import type { SlotMap } from './slot-map.ts'

/** Names and scores are by the applications' clocks, which may be minutes off; that one is gone is told by its key. */
const LISTED_WITHIN_MS = 600_000
const MAX_APPS = 64
const MAX_INSTANCES = 2_000
/** Of all applications together, in one round. */
const MAX_ROUND = { instances: 5_000, bytes: 32 * 1024 * 1024 }
/** So many are asked for at once. */
const CHUNK = 100
/** What is no longer listed is taken out: nobody else does, where a library does not let the lists run out. */
const TRIM_EVERY_MS = 60_000

type Slots = Pick<SlotMap, 'primaryOf' | 'noteFailure'>

export type SeenApp = {
  app: string
  /** Those whose key is there. */
  seen: { heartbeat: Heartbeat; seenAt: number }[]
}

export class HeartbeatReader {
  readonly #nodes: Pick<ActionNodes, 'node'>
  readonly #slots: Slots
  readonly #clock: Pick<Clock, 'now' | 'monotonic'>
  readonly #onCommand: OnCommand
  /** By app and instance: the last `at` that it had, and when it was first seen with it. */
  readonly #seen = new Map<string, { at: number; seenAt: number }>()
  #trimmedAt = Number.NEGATIVE_INFINITY

  constructor(options: {
    nodes: Pick<ActionNodes, 'node'>
    slots: Slots
    clock: Pick<Clock, 'now' | 'monotonic'>
    onCommand: OnCommand
  }) {
    this.#nodes = options.nodes
    this.#slots = options.slots
    this.#clock = options.clock
    this.#onCommand = options.onCommand
  }

  /** @throws Halted, NodeFailure */
  async read(): Promise<SeenApp[]> {
    const now = this.#clock.monotonic()
    const isTrimDue = now - this.#trimmedAt >= TRIM_EVERY_MS
    if (isTrimDue) this.#trimmedAt = now
    const names = await this.#listed(APPS_KEY, MAX_APPS, isTrimDue)
    const apps: SeenApp[] = []
    const left = { ...MAX_ROUND }
    for (const app of names) {
      // What anybody may have written there is looked up only where it is a name.
      if (appName.safeParse(app).success) apps.push(await this.#readApp(app, left, isTrimDue))
    }
    this.#forget()
    return apps
  }

  /** @param left of the round, and less by what it has taken */
  async #readApp(app: string, left: typeof MAX_ROUND, isTrimDue: boolean): Promise<SeenApp> {
    const ids = await this.#listed(instancesKey(app), MAX_INSTANCES, isTrimDue)
    const seen: SeenApp['seen'] = []
    for (let from = 0; from < ids.length && left.instances > 0 && left.bytes > 0; from += CHUNK) {
      const some = ids.slice(from, from + Math.min(CHUNK, left.instances))
      left.instances -= some.length
      const texts = await this.#at(instancesKey(app), (node) =>
        Promise.all(some.map((id) => readBounded(node, instanceKey(app, id)))),
      )
      for (const [index, text] of texts.entries()) {
        left.bytes -= text.length
        const heartbeat = text === '' ? null : parseHeartbeatJson(text)
        // One that is kept under another's name would be told of twice.
        if (heartbeat?.app !== app || heartbeat.instanceId !== some[index]) continue
        seen.push({ heartbeat, seenAt: this.#seenAt(heartbeat) })
      }
    }
    return { app, seen }
  }

  /** By our clock: when it was first there, as far as that can be told. */
  #seenAt({ app, instanceId, at }: Heartbeat): number {
    const now = this.#clock.now()
    const id = JSON.stringify([app, instanceId])
    const known = this.#seen.get(id)
    if (known?.at === at) return known.seenAt
    // At the first look it may be as old as its key can be; where the clocks agree it says so itself.
    const isPlausible = at <= now && at >= now - HEARTBEAT_TTL_MS
    const seenAt = known !== undefined || !isPlausible ? now : at
    this.#seen.set(id, { at, seenAt })
    return seenAt
  }

  #forget(): void {
    const oldest = this.#clock.now() - LISTED_WITHIN_MS
    for (const [id, { seenAt }] of this.#seen) if (seenAt < oldest) this.#seen.delete(id)
  }

  /** The newest first: where there are too many, those that are gone are left out. */
  async #listed(key: string, most: number, isTrimDue: boolean): Promise<string[]> {
    const from = this.#clock.now() - LISTED_WITHIN_MS
    return this.#at(key, async (node) => {
      const reply = await node.call('ZREVRANGEBYSCORE', key, '+inf', from, 'LIMIT', 0, most)
      if (isTrimDue) await node.call('ZREMRANGEBYSCORE', key, '-inf', `(${from}`).catch(tolerateReply)
      return Array.isArray(reply) ? reply.map(String) : []
    })
  }

  async #at<T>(key: string, run: (node: ActionNode) => Promise<T>): Promise<T> {
    return atKey(key, { nodes: this.#nodes, slots: this.#slots, onCommand: this.#onCommand }, run)
  }
}

/** @returns as much as a heartbeat may have, and one byte more; empty where there is none, or no text */
async function readBounded(node: ActionNode, key: string): Promise<string> {
  try {
    return String(await node.call('GETRANGE', key, 0, HEARTBEAT_MAX_BYTES))
  } catch (error) {
    if (error instanceof NodeFailure && error.replyCode === 'WRONGTYPE') return ''
    throw error
  }
}

/** The right may be missing: the lists are only longer then. */
function tolerateReply(error: unknown): void {
  if (!(error instanceof NodeFailure) || error.replyCode === null || error.movedTo !== null) throw error
}

/** At the primary that has the key; once more where it has just moved. @throws Halted, NodeFailure, Error */
export async function atKey<T>(
  key: string,
  options: { nodes: Pick<ActionNodes, 'node'>; slots: Slots; onCommand: OnCommand },
  run: (node: ActionNode) => Promise<T>,
): Promise<T> {
  const { nodes, slots, onCommand } = options
  const bytes = Buffer.from(key)
  for (let attempt = 1; ; attempt++) {
    const address = slots.primaryOf(bytes)
    if (address === null) throw new Error('The primary of a control key is not known.')
    try {
      return await run(await nodes.node('control', address, 0, onCommand))
    } catch (error) {
      if (!slots.noteFailure(bytes, error) || attempt > 2) throw error
    }
  }
}
