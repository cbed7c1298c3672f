/** Local cache, replicate and split: the applications do it, the control plane plans it and keeps copies right. */
import { formatKey } from '../../../core/key-text.ts'
import { type KeyState, readKeyState } from '../../../core/mitigations/key-state.ts'
import { ELIGIBILITY } from '../../../core/mitigations/limits.ts'
import type { Acknowledgement } from '../../../core/mitigations/model.ts'
import { HARM } from '../../../core/mitigations/proof-limits.ts'
import { COPY_LIFE_MS } from '../../../core/mitigations/staleness.ts'
import { LEASE_MS } from '../../../core/protocol/policy.ts'
import type { NodeAddress } from '../../../core/sample.ts'
import { NodeFailure } from '../../connection/failure.ts'
import type { Action, ActionContext, Outcome } from '../action.ts'
import { Mirror, type MirrorStatus } from '../mirror/mirror.ts'
import { type ActionEnvironment, ownerOf } from './environment.ts'
import { keyOf, lookCommand, planKey } from './plan-key.ts'
import { findLateReplica, Unheard } from './replica-guard.ts'

/** What is not ready by then says why, and is not waited for any longer. */
const READY_WITHIN_MS = 30_000
/** A heartbeat comes every five seconds, and is read within one. */
const MEASURED_WITHIN_MS = 6_000
/** A DUMP is a little larger than what MEMORY USAGE says of small members. */
const MAX_DUMP_BYTES = 2 * ELIGIBILITY.maxValueBytes

const wait = (message: string): Outcome => ({ kind: 'wait', message })

export class KeyAction implements Action {
  readonly #environment: ActionEnvironment
  readonly #mirrors = new Map<number, Mirror>()
  readonly #unheard = new Map<number, Unheard>()
  /** When all had acknowledged, by epoch milliseconds, while what they measured before is waited for. */
  readonly #readyAt = new Map<number, number>()
  /** When this collector began to prepare, by epoch milliseconds: one that takes over has as long as the one before. */
  readonly #begunAt = new Map<number, number>()

  constructor(environment: ActionEnvironment) {
    this.#environment = environment
  }

  /** What the mirror of a mitigation has come to; null without one. */
  mirrorStatus(mitigationId: number): MirrorStatus | null {
    return this.#mirrors.get(mitigationId)?.status ?? null
  }

  async prepare(context: ActionContext): Promise<Outcome> {
    const isPlanned = readKeyState(context.state) !== null
    const isLate = this.#isLate(context)
    const outcomeOfPlan = await this.#plan(context, isLate)
    const state = readKeyState(context.state)
    if (!isPlanned || state === null) return outcomeOfPlan
    if (state.refusal !== null) return { kind: 'refused', message: state.refusal }
    if (state.copies.length > 0) {
      const outcome = await this.#prepareCopies(context, state, isLate)
      if (outcome !== null) return outcome
    }
    const outcome = acknowledged(context.acknowledgement, isLate)
    if (outcome.kind === 'done' && this.#isMeasuring(context)) {
      return wait('Applications measure how they read the key now.')
    }
    if (outcome.kind === 'done') await context.saveState({ ...state, isInUse: true })
    return outcome
  }

  #isLate({ mitigation, now }: ActionContext): boolean {
    const begunAt = this.#begunAt.get(mitigation.mitigationId) ?? now()
    this.#begunAt.set(mitigation.mitigationId, begunAt)
    return now() - begunAt > READY_WITHIN_MS
  }

  /** Without a look at its readers before, nothing could be said of how long they wait after. */
  #isMeasuring({ mitigation, isSampled, now }: ActionContext): boolean {
    const readyAt = this.#readyAt.get(mitigation.mitigationId) ?? now()
    this.#readyAt.set(mitigation.mitigationId, readyAt)
    return !isSampled && now() - readyAt < MEASURED_WITHIN_MS
  }

  async #plan(context: ActionContext, isLate: boolean): Promise<Outcome> {
    try {
      return await this.#planAt(context, this.#environment.slots.primaryOf(keyOf(context).key))
    } catch (error) {
      if (!isLate || !(error instanceof NodeFailure)) throw error
      return { kind: 'refused', message: `The key could not be looked at: ${error.message}` }
    }
  }

  async #planAt(context: ActionContext, node: NodeAddress | null): Promise<Outcome> {
    const key = keyOf(context)
    const { slots } = this.#environment
    if (node === null) {
      throw new NodeFailure({ state: 'unreachable', message: 'The node that has the key is not known.' })
    }
    await context.step({ name: 'plan', node, command: lookCommand(key) }, async () => {
      // Killed between the two: it is decided, only the step has not ended.
      if (readKeyState(context.state) !== null) return
      try {
        await context.saveState(await planKey(context, node, slots))
      } catch (error) {
        slots.noteFailure(key.key, error)
        throw error
      }
    })
    return wait('Applications are told.')
  }

  async #prepareCopies(context: ActionContext, state: KeyState, isLate: boolean): Promise<Outcome | null> {
    const { status } = await this.#ensureMirror(context, state)
    if (status.isArmed && status.right === status.copies) return null
    if (status.isTooLarge) return { kind: 'refused', message: tooLarge() }
    if (status.baseExists === false) {
      return isLate
        ? { kind: 'refused', message: 'The key does not exist any more.' }
        : wait('The key is gone now.')
    }
    const why = status.message ?? status.problems[0]?.message ?? 'they are being written'
    const message = `${status.right} of ${status.copies} copies are there: ${why}`
    return isLate ? { kind: 'failed', message } : wait(message)
  }

  async #ensureMirror(context: ActionContext, state: KeyState): Promise<Mirror> {
    const { mitigationId } = context.mitigation
    const known = this.#mirrors.get(mitigationId)
    if (known && !known.isHalted) return known
    await this.#stopMirror(mitigationId)
    const { key } = keyOf(context)
    const { nodes, slots, clock, onCommand } = this.#environment
    const mirror = new Mirror({
      owner: ownerOf(mitigationId),
      nodes,
      slots,
      baseKey: key,
      copyKeys: state.copies.map((copy) => Buffer.from(copy, 'base64')),
      maxBytes: MAX_DUMP_BYTES,
      clock,
      onCommand: onCommand(mitigationId),
      signal: context.signal,
    })
    const shown = formatKey(key)
    // Each owner writes that it begins: a step of its own.
    await context.step(
      {
        name: `mirror from ${new Date(context.now()).toISOString()}`,
        node: slots.primaryOf(key) ?? undefined,
        command: `CLIENT TRACKING ON REDIRECT (itself) BCAST PREFIX ${shown}; SUBSCRIBE __redis__:invalidate; at each change and once a second: DUMP ${shown}, PTTL ${shown}, and for each copy RESTORE (copy) ${COPY_LIFE_MS} (value) REPLACE or PEXPIRE (copy) ${COPY_LIFE_MS}`,
      },
      async () => {
        this.#mirrors.set(mitigationId, mirror)
        mirror.start()
      },
    )
    return mirror
  }

  async activate(): Promise<Outcome> {
    return { kind: 'done' }
  }

  async watch(context: ActionContext): Promise<Outcome> {
    const state = readKeyState(context.state)
    if (state?.plan?.replicaRead) {
      const late = this.#findLateReplica(context)
      if (late !== null) return { kind: 'failed', message: late }
    }
    if (state === null || state.copies.length === 0) return wait(countedBy(context.acknowledgement))
    const { status } = await this.#ensureMirror(context, state)
    if (status.isTooLarge) return { kind: 'failed', message: tooLarge() }
    if (status.divergedSince !== null && context.now() - status.divergedSince >= HARM.divergedMs) {
      const message = `Copies have differed from the key for ${HARM.divergedMs / 1_000} s: something else writes under their names.`
      return { kind: 'failed', message }
    }
    const why = status.message ?? status.problems[0]?.message ?? null
    if (why !== null && status.right < status.copies) {
      return wait(`${status.right} of ${status.copies} copies are right: ${why}`)
    }
    return wait(countedBy(context.acknowledgement))
  }

  #findLateReplica(context: ActionContext): string | null {
    const primary = this.#environment.slots.primaryOf(keyOf(context).key)
    const { shards } = context.topology
    const shard = shards.find(({ nodes }) => nodes.some(({ address }) => address === primary))
    if (primary === null || shard === undefined) return null
    const look = (address: NodeAddress) => ({ address, reading: context.reading(address) })
    const others = shard.nodes.filter(({ address }) => address !== primary)
    const looks = others.map(({ address }) => look(address))
    const { mitigationId } = context.mitigation
    const unheard = this.#unheard.get(mitigationId) ?? new Unheard()
    this.#unheard.set(mitigationId, unheard)
    const silent = unheard.find(look(primary), looks, this.#environment.clock.monotonic())
    return findLateReplica(look(primary), looks) ?? silent
  }

  async drain(context: ActionContext): Promise<Outcome> {
    const state = readKeyState(context.state)
    if (state === null || state.plan === null) return { kind: 'done' }
    const sinceMs = context.now() - Date.parse(context.mitigation.phaseSince)
    if (state.isInUse && sinceMs < LEASE_MS + HEARD_MS) {
      // Until then somebody may read the copies.
      if (state.copies.length > 0) await this.#ensureMirror(context, state)
      const { acknowledgement } = context
      if (acknowledgement === null) return wait('Applications are asked who still takes part.')
      const late = waitedFor(acknowledgement)
      if (late.length > 0)
        return wait(`Applications read the key itself again: ${lagging(acknowledgement, late)}`)
    }
    await this.#stopMirror(context.mitigation.mitigationId)
    // From here on no owner begins to copy again: what is unlinked stays so.
    if (state.isInUse) await context.saveState({ ...state, isInUse: false })
    for (const [index, copy] of state.copies.entries()) {
      const outcome = await this.#unlink(context, copy, index, sinceMs)
      if (outcome !== null) return outcome
    }
    return { kind: 'done' }
  }

  async #unlink(
    context: ActionContext,
    copy: string,
    index: number,
    sinceMs: number,
  ): Promise<Outcome | null> {
    const { slots } = this.#environment
    const key = Buffer.from(copy, 'base64')
    const address = slots.primaryOf(key)
    try {
      if (address === null) throw new NodeFailure({ state: 'unreachable', message: 'No node has its slot.' })
      const name = `unlink ${index + 1}`
      await context.step({ name, node: address, command: `UNLINK ${formatKey(key)}` }, async () => {
        await (await context.node(address)).call('UNLINK', key)
      })
      return null
    } catch (error) {
      if (!(error instanceof NodeFailure)) throw error
      if (slots.noteFailure(key, error)) return wait(`${formatKey(key)} lies elsewhere by now.`)
      // Nobody renews it: where its node cannot be reached it has run out by then.
      const isGone = sinceMs > LEASE_MS + HEARD_MS + COPY_LIFE_MS
      return isGone ? null : wait(`${formatKey(key)} is not unlinked yet: ${error.message}`)
    }
  }

  async #stopMirror(mitigationId: number): Promise<void> {
    const mirror = this.#mirrors.get(mitigationId)
    this.#mirrors.delete(mitigationId)
    await mirror?.stop()
  }

  async stop(mitigationId: number): Promise<void> {
    this.#readyAt.delete(mitigationId)
    this.#begunAt.delete(mitigationId)
    this.#unheard.delete(mitigationId)
    await this.#stopMirror(mitigationId)
  }
}

/** A document is in force for its lease from when it was heard. */
const HEARD_MS = 5_000

type Laggard = Acknowledgement['laggards'][number]

/** Those that are switched off by their environment never apply anything; at their keys they read already. */
const waitedFor = ({ laggards }: Acknowledgement): Laggard[] =>
  laggards.filter((laggard) => laggard.isDisabled !== true)

function acknowledged(acknowledgement: Acknowledgement | null, isLate: boolean): Outcome {
  if (acknowledgement === null) return wait('Applications are asked who takes part.')
  const { applied, instances } = acknowledgement
  const late = waitedFor(acknowledgement)
  if (instances === 0) {
    return {
      kind: 'refused',
      message:
        'No application instance with the library is there: add @cachescope/client to the application, see docs/protocol.md.',
    }
  }
  if (late.length === 0 && applied > 0) {
    return { kind: 'done', message: `Applied on ${applied} of ${instances}.` }
  }
  const message = lagging(acknowledgement, late)
  if (!isLate) return wait(message)
  return applied > 0
    ? { kind: 'done', message: `${message} They read the key itself.` }
    : { kind: 'failed', message }
}

function countedBy(acknowledgement: Acknowledgement | null): string {
  return acknowledgement === null
    ? 'In force.'
    : `Applied on ${acknowledgement.applied} of ${acknowledgement.instances}.`
}

function lagging({ applied, instances }: Acknowledgement, late: Laggard[]): string {
  const names = late.slice(0, 5).map(({ app, host, pid }) => `${app} on ${host} (pid ${pid})`)
  const more = late.length > names.length ? ` and ${late.length - names.length} more` : ''
  const who = names.length === 0 ? '' : ` Not yet: ${names.join(', ')}${more}.`
  return `Applied on ${applied} of ${instances}.${who}`
}

function tooLarge(): string {
  return `The value has grown beyond ${MAX_DUMP_BYTES / 1024} KiB, or the user may not ask for its size any more: copying it at every change costs more than it saves.`
}
