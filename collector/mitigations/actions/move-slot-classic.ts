/**
 * A slot's move by SETSLOT and MIGRATE, in small batches. Each call looks at what the cluster says and does what comes
 * next, so that it may be killed anywhere. At every moment each key is at one of the two, and clients are led to it.
 */
import {
  commandText,
  type HostPort,
  migrateKeys,
  slotImporting,
  slotMigrating,
  slotNode,
  slotStable,
} from '../../../core/mitigations/server-commands.ts'
import { NodeFailure } from '../../connection/failure.ts'
import type { ActionContext, Outcome } from '../action.ts'
import { sendAgain } from './send-again.ts'
import { Ended, fail, send, sendBuffer, sendStep } from './server-action.ts'
import { checkFormat, unreadable } from './slot-format.ts'
import { countKeys, readSlot, type Side, tellOthers } from './slot-view.ts'

const BATCH_KEYS = 100
/** A node is busy for as long as a batch is written: a bigger key goes alone. */
const BATCH_BYTES = 262_144
/** What one tick spends: the collector has other work, and the clients of both nodes too. */
const TICK_MS = 400

/** The destination is of an older version, or of another engine. */
class UnreadableKeys extends Ended {}

/** @param label tells the steps of two moves of one phase apart */
export async function moveClassic(
  context: ActionContext,
  slot: number,
  source: Side,
  destination: Side,
  total: number,
  label: string,
): Promise<Outcome> {
  try {
    return await goOn(context, slot, source, destination, total, label)
  } catch (error) {
    if (!(error instanceof UnreadableKeys)) throw error
    const left = await giveUp(context, slot, source, destination, label)
    if (left === 0) throw error
    return { kind: 'wait', message: `Keys of slot ${slot} go back to ${source.address}, ${left} are left.` }
  }
}

async function goOn(
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
 * No key could leave. What clients were sent to write at the destination meanwhile is fetched, before it is closed.
 * @returns how many are left there
 */
async function giveUp(
  context: ActionContext,
  slot: number,
  source: Side,
  destination: Side,
  label: string,
): Promise<number> {
  const { sourcePlace } = await readSlot(context, slot, source, destination)
  await sendAgain(context, `${label}close source`, slotStable(source.address, slot))
  const left = await moveKeys(context, slot, destination, sourcePlace, `${label}fetch `)
  if (left === 0) await sendAgain(context, `${label}close destination`, slotStable(destination.address, slot))
  return left
}

/** @returns how many are left */
async function moveKeys(
  context: ActionContext,
  slot: number,
  source: Side,
  to: HostPort,
  label: string,
): Promise<number> {
  const command = migrateKeys(source.address, to)
  const end = performance.now() + TICK_MS
  do {
    const keys = await readKeys(context, source, slot)
    if (keys.length === 0) return 0
    const batch = await chooseBatch(context, source, keys)
    const isFirst = await context.step(
      {
        name: `${label}keys`,
        node: source.address,
        command: `${commandText(command.words)} KEYS … (batches of up to ${BATCH_KEYS})`,
      },
      async () => {
        await migrate(context, source, command.words, batch)
        return true
      },
    )
    if (!isFirst) await migrate(context, source, command.words, batch)
  } while (performance.now() < end)
  return await countKeys(context, source, slot)
}

async function readKeys(context: ActionContext, source: Side, slot: number): Promise<Buffer[]> {
  const reply = await sendBuffer(context, source.address, 0, 'CLUSTER', 'GETKEYSINSLOT', slot, BATCH_KEYS)
  if (!Array.isArray(reply)) return fail(`${source.address} does not list the keys of slot ${slot}.`)
  return reply.filter((key) => Buffer.isBuffer(key))
}

/** As many as are small together, or the first alone; without the right to ask for sizes, a few. */
async function chooseBatch(context: ActionContext, source: Side, keys: Buffer[]): Promise<Buffer[]> {
  let sizes: number[]
  try {
    const replies = await Promise.all(
      keys.map((key) => send(context, source.address, 'MEMORY', 'USAGE', key, 'SAMPLES', 5)),
    )
    sizes = replies.map((reply) => (typeof reply === 'number' ? reply : 0))
  } catch (error) {
    if (!(error instanceof NodeFailure) || error.replyCode === null) throw error
    return keys.slice(0, 10)
  }
  let bytes = 0
  const fitting = keys.findIndex((_, index) => {
    bytes += sizes[index] ?? 0
    return bytes > BATCH_BYTES
  })
  return fitting < 0 ? keys : keys.slice(0, Math.max(1, fitting))
}

/**
 * REPLACE: a key that is at both, after a MIGRATE that was cut off, is the source's: its clients are not sent on while
 * it is there. The password goes over the wire alone.
 */
async function migrate(
  context: ActionContext,
  source: Side,
  words: readonly string[],
  batch: Buffer[],
): Promise<void> {
  const [name = '', ...args] = words
  const { cache } = context
  const own = cache.mitigations.password === null ? cache : cache.mitigations
  const auth =
    own.password === null
      ? []
      : own.username === null
        ? ['AUTH', own.password]
        : ['AUTH2', own.username, own.password]
  try {
    await send(context, source.address, name, ...args, ...auth, 'KEYS', ...batch)
  } catch (error) {
    if (!(error instanceof NodeFailure)) throw error
    if (/payload version|bad data format/i.test(error.message)) {
      throw new UnreadableKeys({
        kind: 'failed',
        message: unreadable(source.address, `${words[1]}:${words[2]}`),
      })
    }
    // The words of the other server follow; neither repeats what was sent.
    if (/OOM|maxmemory/i.test(error.message)) {
      throw new NodeFailure(
        {
          state: 'error',
          message: 'The destination is out of memory. Raise its maxmemory; the move goes on then.',
        },
        'BUSY',
      )
    }
    throw error
  }
}
