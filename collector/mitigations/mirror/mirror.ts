/**
 * The mirror owner: keeps copies of a base key right while the collector has the cache's lease. Every change of the
 * base key is told by its primary, read, and written to each copy; once a second the copies are compared and renewed.
 * A copy lives five seconds at most without its owner.
 */
import type { NodeAddress } from '../../../core/sample.ts'
import type { Clock } from '../../clock.ts'
import { NodeFailure } from '../../connection/failure.ts'
import type { ActionNode } from '../action.ts'
import type { ActionNodes, OnCommand } from '../action-nodes.ts'
import { Halted } from '../halted.ts'
import type { SlotMap } from '../slot-map.ts'
import { Copy, nameOf, type Snapshot } from './copy.ts'
import { Tracker } from './tracker.ts'

export type MirrorOptions = {
  /** Of its connections, to be closed with it. */
  owner: string
  nodes: ActionNodes
  slots: SlotMap
  baseKey: Buffer
  /** Names of the copies, without the base key's. */
  copyKeys: Buffer[]
  maxBytes: number
  clock: Clock
  onCommand: OnCommand
  /** Aborted when the lease is in doubt, however shortly: it does not go on after that. */
  signal: AbortSignal
}

export type MirrorStatus = {
  /** Changes of the base key are told. */
  isArmed: boolean
  copies: number
  /** There, and equal to what was last read. */
  right: number
  /** The base key as last read; null before it was. */
  baseExists: boolean | null
  /** Copies that are missing for another reason than that the base key is. */
  problems: { name: string; message: string }[]
  probes: number
  diverged: number
  divergedSince: number | null
  /** The value has outgrown what is copied. */
  isTooLarge: boolean
  message: string | null
}

/** Bounds what a storm of writes costs: reads of the base key are so far apart, and of large values farther. */
const PASS_EVERY_MS = 5
/** Of the value read, and written to every copy. */
const PASS_BYTES_PER_SEC = 32 * 1024 * 1024
const BEAT_MS = 1_000
const REARM_MS = 200
/** An application that unlinks every copy after its write does so after we have copied it. */
const SETTLE_MS = [30, 250]
/** Copies are compared in turns where comparing all of them every second would move more. */
const PROBE_BYTES_PER_SEC = 2 * 1024 * 1024

export class Mirror {
  readonly #options: MirrorOptions
  readonly #copies: Copy[]
  readonly #tracker: Tracker
  #base: ActionNode | null = null
  #version = 0
  /** A change that no read has begun after. */
  #isDirty = true
  #probeDue = true
  #newest: Snapshot | null = null
  #running: Promise<void> | null = null
  #wake: (() => void) | null = null
  #beatAt = 0
  #settles: number[] = []
  #probeFrom = 0
  #isTooLarge = false
  /** The last DUMP was answered with a small value. Else its size is asked first: a big one holds the primary up. */
  #isSmall = false
  #passBytes = 0
  #message: string | null = null
  #stopped = false

  constructor(options: MirrorOptions) {
    this.#options = options
    const { nodes, slots, baseKey, owner, clock } = options
    this.#tracker = new Tracker({
      nodes,
      key: baseKey,
      onChange: () => this.#change(),
      onLost: () => this.#wake?.(),
      onCommand: options.onCommand,
    })
    this.#copies = options.copyKeys.map(
      (key) =>
        new Copy(
          {
            key,
            baseKey,
            node: () => nodes.node(owner, this.#primaryOf(key), 0, options.onCommand),
            noteFailure: (error) => slots.noteFailure(key, error),
            isOutdated: (snapshot) => this.#isDirty || snapshot.version !== this.#version,
          },
          () => clock.now(),
        ),
    )
  }

  start(): void {
    const { signal } = this.#options
    signal.addEventListener('abort', () => this.#halt(), { once: true })
    if (signal.aborted) this.#halt()
    this.#running ??= this.#run()
  }

  /** Whether it has ended for good: another one has to take its place. */
  get isHalted(): boolean {
    return this.#stopped
  }

  get status(): MirrorStatus {
    const copies = this.#copies
    const sum = (of: (copy: Copy) => number) => copies.reduce((total, copy) => total + of(copy), 0)
    const since = copies.flatMap(({ divergedSince }) => (divergedSince === null ? [] : [divergedSince]))
    return {
      isArmed: this.#tracker.address !== null,
      copies: copies.length,
      right: copies.filter(({ isRight }) => isRight).length,
      baseExists: this.#newest === null ? null : this.#newest.dump !== null,
      problems: copies.flatMap((copy) =>
        copy.problem === null ? [] : [{ name: nameOf(copy), message: copy.problem }],
      ),
      probes: sum(({ probes }) => probes),
      diverged: sum(({ diverged }) => diverged),
      divergedSince: since.length === 0 ? null : Math.min(...since),
      isTooLarge: this.#isTooLarge,
      message: this.#message,
    }
  }

  /** Resolves when nothing of it is under way. Copies that are there run out by themselves. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#wake?.()
    this.#tracker.stop()
    await Promise.all([this.#running, ...this.#copies.map((copy) => copy.stop())])
    this.#tracker.stop()
  }

  #change(): void {
    this.#isDirty = true
    const now = this.#options.clock.monotonic()
    this.#settles = SETTLE_MS.map((ms) => now + ms)
    this.#wake?.()
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const begun = this.#options.clock.monotonic()
      try {
        await this.#turn(begun)
        if (!this.#stopped) this.#message = null
      } catch (error) {
        if (error instanceof Halted) return this.#halt()
        if (this.#stopped) return
        this.#isDirty = true
        this.#message = error instanceof Error ? error.message : 'The key could not be read.'
        const isElsewhere = this.#options.slots.noteFailure(this.#options.baseKey, error)
        if (!isElsewhere) await this.#wait(REARM_MS)
        continue
      }
      const next = Math.min(this.#beatAt, ...this.#settles)
      const isDue = this.#isDirty && !this.#isTooLarge
      await this.#wait(isDue ? 0 : Math.max(0, next - this.#options.clock.monotonic()))
      const paceMs = Math.max(PASS_EVERY_MS, (this.#passBytes / PASS_BYTES_PER_SEC) * 1_000)
      this.#passBytes = 0
      const since = this.#options.clock.monotonic() - begun
      if (since < paceMs) await new Promise((resolve) => setTimeout(resolve, paceMs - since))
    }
  }

  #halt(): void {
    this.#stopped = true
    this.#message = new Halted().message
    this.#wake?.()
    this.#tracker.stop()
    for (const copy of this.#copies) void copy.stop()
  }

  async #turn(now: number): Promise<void> {
    await this.#follow()
    const isSettling = this.#settles.some((at) => at <= now)
    this.#settles = this.#settles.filter((at) => at > now)
    const isBeat = now >= this.#beatAt
    if (isBeat) {
      this.#beatAt = now + BEAT_MS
      // Before the key is read: what its answer proves is complete then.
      await this.#tracker.ping()
      if (this.#tracker.address === null) throw new Error('The connection that tells of changes was lost.')
    }
    if (!this.#isDirty && !isBeat && !isSettling) return
    // What is not copied is looked at once a second, however often it is written.
    if (this.#isTooLarge && !isBeat) return
    const snapshot = await this.#read()
    const probed = isBeat || this.#probeDue ? this.#pickProbes(snapshot) : new Set<Copy>()
    this.#probeDue = false
    for (const copy of this.#copies) copy.write(snapshot, probed.has(copy))
  }

  /** The base key's primary may be another by now; what it was told until then is not complete. */
  async #follow(): Promise<void> {
    const { nodes, owner, baseKey, onCommand } = this.#options
    const address = this.#primaryOf(baseKey)
    if (this.#tracker.address === address && this.#base?.address === address) return
    await this.#tracker.arm(address)
    this.#base = await nodes.node(owner, address, 0, onCommand)
    this.#isDirty = true
    this.#probeDue = true
  }

  async #read(): Promise<Snapshot> {
    const { baseKey, maxBytes } = this.#options
    const node = this.#base
    if (node === null) throw new Error('The primary of the key is not known.')
    // What changes from here on makes it dirty again.
    this.#isDirty = false
    const version = ++this.#version
    if (!this.#isSmall && (await isLargerThan(node, baseKey, maxBytes))) {
      this.#isTooLarge = true
      return this.#take({ version, dump: null, ttlMs: null, node })
    }
    this.#isSmall = false
    const [reply, pttl] = await Promise.all([node.callBuffer('DUMP', baseKey), node.call('PTTL', baseKey)])
    const dump = Buffer.isBuffer(reply) ? reply : null
    const ttl = Number(pttl)
    this.#isTooLarge = dump !== null && dump.length > maxBytes
    this.#isSmall = !this.#isTooLarge
    this.#passBytes = (dump?.length ?? 0) * (1 + (this.#isTooLarge ? 0 : this.#copies.length))
    const isGone = dump === null || ttl === -2 || this.#isTooLarge
    return this.#take({ version, dump: isGone ? null : dump, ttlMs: ttl < 0 ? null : ttl, node })
  }

  #take(snapshot: Snapshot): Snapshot {
    this.#newest = snapshot
    return snapshot
  }

  #pickProbes({ dump }: Snapshot): Set<Copy> {
    const each = Math.max(1, dump?.length ?? 0)
    const count = Math.min(this.#copies.length, Math.max(1, Math.floor(PROBE_BYTES_PER_SEC / each)))
    const picked = new Set<Copy>()
    for (let index = 0; index < count; index++) {
      const copy = this.#copies[(this.#probeFrom + index) % this.#copies.length]
      if (copy) picked.add(copy)
    }
    this.#probeFrom = (this.#probeFrom + count) % Math.max(1, this.#copies.length)
    return picked
  }

  #primaryOf(key: Buffer): NodeAddress {
    const address = this.#options.slots.primaryOf(key)
    if (address !== null) return address
    throw new NodeFailure({ state: 'unreachable', message: 'No primary has the slot of the key now.' })
  }

  async #wait(ms: number): Promise<void> {
    if (this.#stopped || ms <= 0) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#wake = null
  }
}

/** Costs the node next to nothing, where a DUMP is the whole value once more. @returns true where nobody says */
async function isLargerThan(node: ActionNode, key: Buffer, bytes: number): Promise<boolean> {
  try {
    const size = await node.call('MEMORY', 'USAGE', key)
    return typeof size === 'number' && size > bytes
  } catch (error) {
    if (error instanceof NodeFailure && error.state === 'denied') return true
    throw error
  }
}
