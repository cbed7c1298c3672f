/**
 * A slot's move by SETSLOT and MIGRATE, in small batches. Each call looks at what the cluster says and does what comes
 * next, so that it may be killed anywhere. At every moment each key is at one of the two, and clients are led to it.
 */
import {
  slotImporting,
  slotMigrating,
  slotNode,
  slotStable,
} from '../../../core/mitigations/server-commands.ts'
import type { ActionContext, Outcome } from '../action.ts'
import { sendAgain } from './send-again.ts'
import { fail, sendStep } from './server-action.ts'
import { checkFormat } from './slot-format.ts'
import { fetchKeys, moveKeys } from './slot-keys.ts'
import { countKeys, readSlot, type Side, tellOthers } from './slot-view.ts'

/**
 * @param label tells the steps of two moves of one phase apart
 * @throws Unmovable, FailedBatch
 */
export async function moveClassic(
  context: ActionContext,
  slot: number,
  source: Side,
  destination: Side,
  total: number,
  label: string,
): Promise<Outcome> {
  const view = await readSlot(context, slot, source, destination)
  const isOwned = view.destinationSays === destination.id && view.sourceSays === destination.id
  if (isOwned && view.importingFrom === null && view.migratingTo === null) {
    await tellOthers(context, view.otherPrimaries, async (address) => {
      await sendStep(context, `${label}tell ${address}`, slotNode(address, slot, destination.id))
    })
    return { kind: 'finished', message: `Slot ${slot} is at ${destination.address} now, with ${total} keys.` }
  }
  const known = [source.id, destination.id]
  if (!known.includes(view.sourceSays ?? '') || !known.includes(view.destinationSays ?? '')) {
    return fail(`Slot ${slot} is somebody else's by now. Look at the cluster again.`)
  }
  if (view.destinationSays === source.id) {
    const isClosed = view.importingFrom === null && view.migratingTo === null
    if (isClosed) await checkFormat(context, source, destination, 'failed')
    if (view.importingFrom !== source.id) {
      await sendAgain(context, `${label}import`, slotImporting(destination.address, slot, source.id))
    }
    if (view.sourceSays === source.id && view.migratingTo !== destination.id) {
      await sendAgain(context, `${label}migrate`, slotMigrating(source.address, slot, destination.id))
    }
  }
  const left =
    view.sourceSays === source.id ? await moveKeys(context, slot, source, view.destinationPlace, label) : 0
  if (left > 0) {
    return {
      kind: 'wait',
      message: `Keys of slot ${slot} go to ${destination.address}, ${left} are left.`,
      progress: { done: Math.max(0, total - left), total: Math.max(total, left), unit: 'keys' },
    }
  }
  // The destination first: of two that claim it the newer claim wins, and nobody is asked for a slot it does not serve.
  await sendAgain(context, `${label}own`, slotNode(destination.address, slot, destination.id))
  await sendAgain(context, `${label}give`, slotNode(source.address, slot, destination.id))
  const moved = Math.max(total, 1)
  return {
    kind: 'wait',
    message: `${destination.address} takes slot ${slot} over.`,
    progress: { done: moved, total: moved, unit: 'keys' },
  }
}

/** Ends a move that has moved nothing. */
export async function closeSlot(
  context: ActionContext,
  slot: number,
  source: Side,
  destination: Side,
): Promise<void> {
  const view = await readSlot(context, slot, source, destination)
  if (view.migratingTo !== null) await sendAgain(context, 'close source', slotStable(source.address, slot))
  if (view.importingFrom !== null)
    await sendAgain(context, 'close destination', slotStable(destination.address, slot))
}

/**
 * Keys cannot leave: those that have, and what clients were sent to write at the destination, are fetched before it is
 * closed. The source is closed first, for until then it takes none back.
 * @returns how many are left there
 * @throws FailedBatch
 */
export async function takeBack(
  context: ActionContext,
  slot: number,
  source: Side,
  destination: Side,
  label: string,
): Promise<number> {
  const view = await readSlot(context, slot, source, destination)
  if (view.sourceSays !== source.id || view.destinationSays !== source.id)
    return fail(`Slot ${slot} is somebody else's by now. Look at the cluster again.`)
  await sendAgain(context, `${label}close source`, slotStable(source.address, slot))
  // Closed already, and a client that was sent there just before has written: only an open one lets keys go.
  if (view.importingFrom === null && (await countKeys(context, destination, slot)) > 0)
    await sendAgain(context, `${label}import`, slotImporting(destination.address, slot, source.id))
  const left = await fetchKeys(context, slot, destination, source, view.sourcePlace, `${label}fetch `)
  if (left === 0) await sendAgain(context, `${label}close destination`, slotStable(destination.address, slot))
  return left
}
