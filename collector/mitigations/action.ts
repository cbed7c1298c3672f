/**
 * What carries out one kind of mitigation. The reconciler calls the method of the mitigation's phase once a tick until
 * it is done; every method may be called again after a kill -9 at any point, and must find its way from what is there.
 */
import type { CacheConfig } from '../../core/config.ts'
import type { Conflicting } from '../../core/mitigations/conflicts.ts'
import type { Acknowledgement, Mitigation, MitigationPhase } from '../../core/mitigations/model.ts'
import type { Observed } from '../../core/mitigations/observed.ts'
import type { NodeAddress, Topology } from '../../core/sample.ts'
import type { CommandArgument } from '../connection/node-connection.ts'
import type { NodeReading } from '../reading.ts'

/** What a phase has come to. */
export type Outcome =
  /** Go to the next phase. */
  | { kind: 'done'; message?: string }
  /** Call again on the next tick. */
  | { kind: 'wait'; message: string; progress?: { done: number; total: number; unit: string } }
  /** Only of `prepare`, before anything was changed: it ends as refused. */
  | { kind: 'refused'; message: string }
  /** It cannot go on: it drains, and ends as failed. */
  | { kind: 'failed'; message: string }
  /** Only of `activate` and `watch`: nothing is left to do or to undo (a slot that has moved, a killed client). */
  | { kind: 'finished'; message: string }

export type ActionNode = {
  readonly address: NodeAddress
  /** One command, counted in the node's bill. @throws NodeFailure */
  call(command: string, ...args: CommandArgument[]): Promise<unknown>
  callBuffer(command: string, ...args: CommandArgument[]): Promise<unknown>
}

export type StepOptions = {
  /** Unique within the phase: a step that ended as ok is not done again, its result is not known any more. */
  name: string
  node?: NodeAddress
  /** As sent, for reading; without values and secrets. */
  command?: string
}

export type ActionContext = {
  readonly mitigation: Mitigation
  readonly cache: CacheConfig
  /** As last discovered. */
  readonly topology: Topology
  /** The ordinal of a shard by the id that targets and parameters have. */
  readonly shardOrdinals: ReadonlyMap<number, number>
  /** The address of a node by its id. */
  readonly nodeAddresses: ReadonlyMap<number, NodeAddress>
  /** Epoch milliseconds. */
  now(): number
  random(): number
  /** What the node answered at its last tick; null while it is not up. */
  reading(address: NodeAddress): NodeReading | null
  /** How far a replica that is up is behind its primary; null where that is not known, and of any other node. */
  lagSeconds(address: NodeAddress): number | null
  /** A connection of the mitigation's own to one database of the node, kept for its length. @throws NodeFailure */
  node(address: NodeAddress, db?: number): Promise<ActionNode>
  /**
   * Writes the step, does it, writes its result. Done again after a kill in between: `run` must bear that.
   * @returns undefined when the step had already ended as ok
   * @throws what `run` throws, once it is written
   */
  step<T>(options: StepOptions, run: () => Promise<T>): Promise<T | undefined>
  /** The action's own memory; null at first. */
  readonly state: unknown
  /** Saved before it resolves. */
  saveState(state: unknown): Promise<void>
  /** Whether the store has what the applications say of the key: all that tell of it, before anything is done. */
  readonly isSampled: boolean
  /** Of those applications that should take part; null where none is known. */
  readonly acknowledgement: Acknowledgement | null
  /** What else of the cache is not off. */
  readonly others: readonly Conflicting[]
  /** Aborted when the cache's lease may have passed to another collector: nothing may be sent any more. */
  readonly signal: AbortSignal
}

export type Action = {
  /** Guards, and what the way back needs. */
  prepare(context: ActionContext): Promise<Outcome>
  activate(context: ActionContext): Promise<Outcome>
  /** Once a tick while active. */
  watch(context: ActionContext): Promise<Outcome>
  /** Undoes it. `done` only when nothing of it is left. */
  drain(context: ActionContext): Promise<Outcome>
  /**
   * Of whom it is aimed at, where no sample tells: as it was before, or as the servers tell now. Once for each window
   * of the proof.
   * @returns null where nobody tells
   */
  observe?(context: ActionContext, when: 'before' | 'after'): Promise<Observed | null>
  /** The cache has left this collector, or the process stops: let go of sockets and timers, change nothing. */
  stop(mitigationId: number): Promise<void>
}

/**
 * Where a test puts a kill -9: before and after every write and every command. What comes next waits for it.
 * `isShared`: of what a cache's mitigations have in common, told with the first of them.
 */
export type Checkpoint = (point: {
  label: string
  isShared: boolean
  phase: MitigationPhase
  at: string
}) => void | Promise<void>
