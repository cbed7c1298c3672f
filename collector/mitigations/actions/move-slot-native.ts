/** Moves that the engine does by itself: Redis 8.4 imports on the destination, Valkey 9 sends from the source. */

import { ownerOf } from '../../../core/mitigations/cluster-nodes.ts'
import {
  cancelImport,
  cancelMigrations,
  importSlot,
  migrateSlot,
} from '../../../core/mitigations/server-commands.ts'
import { NodeFailure } from '../../connection/failure.ts'
import type { ActionContext, Outcome } from '../action.ts'
import { sendAgain } from './send-again.ts'
import { fail, readInfo, send, sendStep } from './server-action.ts'
import { checkStillRoom } from './slot-room.ts'
import { listTasks, type NativeMethod, type SlotTask } from './slot-tasks.ts'
import { countKeys, readClusterNodes, readSlot, type Side } from './slot-view.ts'

/** One order to the servers. `known` are the tasks that they had before: what else they show of the slot is ours. */
export type Attempt = { number: number; known: readonly string[] }
/** The order came to nothing, though another may succeed. */
export type Again = { kind: 'again'; message: string; known: string[] }

export async function moveNative(
  context: ActionContext,
  method: NativeMethod,
  slot: number,
  source: Side,
  destination: Side,
  attempt: Attempt,
): Promise<Outcome | Again> {
  const view = await readSlot(context, slot, source, destination)
  const learns: Outcome = {
    kind: 'wait',
    message: `The cluster learns that slot ${slot} is at ${destination.address}.`,
  }
  if (view.destinationSays === destination.id) {
    return view.sourceSays === destination.id
      ? { kind: 'finished', message: `Slot ${slot} is at ${destination.address} now.` }
      : learns
  }
  if (view.destinationSays !== source.id) {
    return fail(`Slot ${slot} is somebody else's by now. Look at the cluster again.`)
  }
  const tasks = await listTasks(context, method, method === 'redis' ? destination : source)
  const again = (message: string): Again => ({ kind: 'again', message, known: tasks.map(({ id }) => id) })
  const task = ownTask(tasks, slot, destination, attempt.known)
  if (task === null) {
    const command =
      method === 'redis'
        ? importSlot(destination.address, slot)
        : migrateSlot(source.address, slot, destination.id)
    const name = attempt.number === 1 ? 'move' : `move (${attempt.number})`
    const reply = await sendStep(context, name, command)
    if (reply !== undefined) return { kind: 'wait', message: `Slot ${slot} goes to ${destination.address}.` }
    return again(`The servers know nothing of the move of slot ${slot} any more.`)
  }
  // It has ended since the cluster was looked at.
  if (task.isDone) return learns
  if (task.isOver) {
    const reason = await reasonOf(context, method, task, destination)
    const message = `The servers gave the move of slot ${slot} up${reason === '' ? '' : `: ${reason}`}.`
    return task.isCalledOff || /out of memory/i.test(reason) ? fail(message) : again(message)
  }
  return await underWay(context, method, slot, source, destination, task)
}

/** @returns null while it is being called off */
export async function cancelNative(
  context: ActionContext,
  method: NativeMethod,
  slot: number,
  source: Side,
  destination: Side,
  known: readonly string[],
): Promise<Outcome> {
  const tasks = await listTasks(context, method, method === 'redis' ? destination : source)
  const task = ownTask(tasks, slot, destination, known)
  if (task !== null && !task.isOver) {
    // Called off by then, the source would take writes that the destination, which has the slot, does not hear of.
    if (method === 'valkey' && /pause|failover/.test(task.state)) {
      return { kind: 'wait', message: `Slot ${slot} is being handed over to ${destination.address}.` }
    }
    const foreign = method === 'valkey' ? foreignTask(tasks, task, source) : null
    if (foreign !== null) {
      const slots = foreign.slots.map(([first, last]) => (first === last ? first : `${first}-${last}`))
      return {
        kind: 'wait',
        message: `The move of slot ${slot} cannot be called off alone: ${source.address} sends slots ${slots.join(', ')} by somebody else's order, and would end both. The first of the two that ends is waited for.`,
      }
    }
    const command =
      method === 'redis' ? cancelImport(destination.address, task.id) : cancelMigrations(source.address)
    // It is asked for again while it still shows: an engine may have tried a failed one anew meanwhile.
    await sendAgain(context, `cancel ${task.id}`, command)
    return { kind: 'wait', message: `The move of slot ${slot} is called off.` }
  }
  const owner = ownerOf(await readClusterNodes(context, destination.address), slot)
  const place = owner === destination.id ? `had come to ${destination.address} already` : 'stays where it is'
  return { kind: 'done', message: `Slot ${slot} ${place}.` }
}

/** Another that the source sends: what comes to it is not ended with ours. */
function foreignTask(tasks: SlotTask[], own: SlotTask, source: Side): SlotTask | null {
  return tasks.find(({ id, isOver, to }) => !isOver && id !== own.id && to !== source.id) ?? null
}

/** The newest that moves this slot alone, to there. */
function ownTask(
  tasks: SlotTask[],
  slot: number,
  destination: Side,
  known: readonly string[],
): SlotTask | null {
  const ours = tasks.filter(
    ({ id, slots, to }) =>
      !known.includes(id) &&
      to === destination.id &&
      slots.every(([first, last]) => first === slot && last === slot),
  )
  return ours.sort((a, b) => b.createdAt - a.createdAt)[0] ?? null
}

async function underWay(
  context: ActionContext,
  method: NativeMethod,
  slot: number,
  source: Side,
  destination: Side,
  task: SlotTask,
): Promise<Outcome> {
  const why = task.message === '' ? '' : `: ${task.message}`
  const message = `Slot ${slot} goes to ${destination.address} (${task.state}${why}).`
  const total = await countKeys(context, source, slot)
  // In this order a key at its handover is counted twice rather than not at all.
  const visible = method === 'redis' ? await countVisible(context, destination) : 0
  const info = await readInfo(context, destination.address)
  const inSlot = await countKeys(context, destination, slot)
  checkStillRoom(info, slot, destination)
  if (total === 0 || visible === null) return { kind: 'wait', message }
  const all = info.keyspaces.reduce((sum, { keys }) => sum + keys, 0)
  const hidden = method === 'redis' ? Math.max(0, all - visible) : 0
  const done = Math.min(inSlot + hidden, total)
  return { kind: 'wait', message, progress: { done, total, unit: 'keys' } }
}

/**
 * Redis leaves keys that are coming out of every count but that of INFO; Valkey counts them in their slot.
 * @returns null without the right to ask
 */
async function countVisible(context: ActionContext, destination: Side): Promise<number | null> {
  try {
    return Number(await send(context, destination.address, 'DBSIZE'))
  } catch (error) {
    if (error instanceof NodeFailure && error.replyCode === 'NOPERM') return null
    throw error
  }
}

/** A Valkey that sends says no more than that the other side has let go: that one knows why. */
async function reasonOf(
  context: ActionContext,
  method: NativeMethod,
  task: SlotTask,
  destination: Side,
): Promise<string> {
  if (method === 'redis') return task.message
  const far = (await listTasks(context, method, destination)).find(({ id }) => id === task.id)
  return (far?.message || task.message).replace(/\.$/, '')
}
