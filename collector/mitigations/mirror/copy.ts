/** One copy of the base key under its own name: always the newest state that was read, never one after the other in a row. */
import { formatKey } from '../../../core/key-text.ts'
import { COPY_LIFE_MS } from '../../../core/mitigations/staleness.ts'
import type { NodeAddress } from '../../../core/sample.ts'
import type { ActionNode } from '../action.ts'
import { Halted } from '../halted.ts'
import { isSameValue, mayExpireByField } from './same-value.ts'

/** The base key as it was read. */
export type Snapshot = {
  version: number
  /** null: there is no such key. */
  dump: Buffer | null
  /** Until it expires; null: never. */
  ttlMs: number | null
  node: ActionNode
}

export type CopyOptions = {
  key: Buffer
  baseKey: Buffer
  /** @throws NodeFailure, Halted, or an Error where nobody has the slot */
  node(): Promise<ActionNode>
  /** Its slot is elsewhere: whether to try again there. */
  noteFailure(error: unknown): boolean
  /** Whether the base key may have changed since the snapshot. */
  isOutdated(snapshot: Snapshot): boolean
}

const RETRY_MS = 250

export class Copy {
  readonly key: Buffer
  /** Whether it is there as far as is known, equal to the newest snapshot that was taken. */
  isRight = false
  /** Which node had it last. */
  address: NodeAddress | null = null
  /** Why it is not there; null while it is. */
  problem: string | null = null
  probes = 0
  diverged = 0
  /** Epoch milliseconds of the first of the probes in a row that found it different; null after one that did not. */
  divergedSince: number | null = null
  readonly #options: CopyOptions
  readonly #now: () => number
  #written: Buffer | null = null
  #next: { snapshot: Snapshot; probe: boolean } | null = null
  #running: Promise<void> | null = null
  #retry: NodeJS.Timeout | null = null
  #stopped = false

  constructor(options: CopyOptions, now: () => number) {
    this.#options = options
    this.#now = now
    this.key = options.key
  }

  /** The newest wins: what waited before it is forgotten. @param probe compares what is there */
  write(snapshot: Snapshot, probe: boolean): void {
    if (this.#stopped) return
    this.#next = { snapshot, probe: probe || (this.#next?.probe ?? false) }
    this.#running ??= this.#run().finally(() => {
      this.#running = null
      // A snapshot may have come in the turn in which the last one ended.
      if (this.#next && !this.#stopped) this.write(this.#next.snapshot, this.#next.probe)
    })
  }

  async #run(): Promise<void> {
    for (let next = this.#next; next !== null && !this.#stopped; next = this.#next) {
      this.#next = null
      if (this.#retry) clearTimeout(this.#retry)
      this.#retry = null
      try {
        await this.#apply(next.snapshot, next.probe)
      } catch (error) {
        this.#fail(error, next.snapshot)
      }
    }
  }

  #fail(error: unknown, snapshot: Snapshot): void {
    this.isRight = false
    this.#written = null
    if (error instanceof Halted) {
      this.#stopped = true
      return
    }
    this.problem = error instanceof Error ? error.message : 'It could not be written.'
    const delayMs = this.#options.noteFailure(error) ? 0 : RETRY_MS
    this.#retry = setTimeout(() => {
      // One that is outdated by now is written by whoever reads the newer.
      if (!this.#options.isOutdated(snapshot)) this.write(snapshot, false)
    }, delayMs)
    this.#retry.unref()
  }

  async #apply(snapshot: Snapshot, probe: boolean): Promise<void> {
    const node = await this.#options.node()
    this.address = node.address
    const { dump, ttlMs } = snapshot
    if (dump === null || (ttlMs !== null && ttlMs <= 0)) {
      await node.call('UNLINK', this.key)
      this.#written = null
      this.#isThere(false)
      return
    }
    const lifeMs = Math.min(ttlMs ?? COPY_LIFE_MS, COPY_LIFE_MS)
    const isKnown = probe ? await this.#probe(node, snapshot, dump) : this.#written?.equals(dump) === true
    // Nothing there any more: a writer of the application has unlinked it, or it ran out.
    const isRenewed = isKnown && Number(await node.call('PEXPIRE', this.key, lifeMs)) === 1
    if (!isRenewed) {
      this.#written = null
      await node.call('RESTORE', this.key, lifeMs, dump, 'REPLACE')
    }
    this.#written = dump
    this.#isThere(true)
  }

  #isThere(isRight: boolean): void {
    this.isRight = isRight && !this.#stopped
    this.problem = null
  }

  /** @returns whether it is there, holds what the base key does, and lets go of no field before it or after it */
  async #probe(node: ActionNode, snapshot: Snapshot, dump: Buffer): Promise<boolean> {
    const found = await node.callBuffer('DUMP', this.key)
    if (!Buffer.isBuffer(found)) return false
    const isSame = await isSameValue(
      { node: snapshot.node, key: this.#options.baseKey, dump },
      { node, key: this.key, dump: found },
    )
    // What was written meanwhile is on its way: no divergence, and no proof of its absence.
    const keepsFields = found.equals(dump) || !(mayExpireByField(dump) || mayExpireByField(found))
    if (this.#options.isOutdated(snapshot)) return isSame && keepsFields
    this.probes++
    if (isSame) this.divergedSince = null
    else {
      this.diverged++
      this.divergedSince ??= this.#now()
    }
    return isSame && keepsFields
  }

  /** Resolves when nothing of it is under way; what is there runs out by itself. */
  async stop(): Promise<void> {
    this.#stopped = true
    // Nobody knows from here on.
    this.isRight = false
    this.#next = null
    if (this.#retry) clearTimeout(this.#retry)
    await this.#running
  }
}

export const nameOf = (copy: Copy): string => formatKey(copy.key)
