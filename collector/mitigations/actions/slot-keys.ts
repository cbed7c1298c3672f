/** Keys of a slot on their way between two nodes, by MIGRATE in small batches. */
import { formatKey } from '../../../core/key-text.ts'
import {
  commandText,
  fetchKeys as fetchCommand,
  type HostPort,
  MAX_MIGRATED_BYTES,
  migrateKeys,
  SIZED_KEYS,
} from '../../../core/mitigations/server-commands.ts'
import { NodeFailure } from '../../connection/failure.ts'
import type { ActionContext, StepOptions } from '../action.ts'
import { bytesText, Ended, fail, refuse, send, sendBuffer } from './server-action.ts'
import { unreadable } from './slot-format.ts'
import { countKeys, type Side } from './slot-view.ts'

const BATCH_KEYS = 100
/** A node is busy for as long as a batch is written: a bigger key goes alone. */
const BATCH_BYTES = 262_144
/** A node does not tell the sizes of keys of a slot that it does not own. */
const UNSIZED_KEYS = 10
/** What one tick spends: the collector has other work, and the clients of both nodes too. */
const TICK_MS = 400

/** Keys that will not leave, however often they are sent. */
export class Unmovable extends Ended {
  constructor(message: string) {
    super({ kind: 'failed', message })
  }
}

/** Both nodes were held up for nothing: the next one waits. */
export class FailedBatch extends Error {
  override readonly name = 'FailedBatch'
}

/** Before anything is sent, of the first keys; each of the others before it goes. @throws Ended as refused, NodeFailure */
export async function refuseLargeKeys(context: ActionContext, slot: number, source: Side): Promise<void> {
  const keys = await readKeys(context, source, slot, SIZED_KEYS)
  const large = findLarge(source, keys, await readSizes(context, source, keys))
  if (large !== null) refuse(large)
}

/** @returns how many are left */
export async function moveKeys(
  context: ActionContext,
  slot: number,
  source: Side,
  to: HostPort,
  label: string,
): Promise<number> {
  const { words } = migrateKeys(source.address, to)
  const command = `${commandText(words)} KEYS … (batches of up to ${BATCH_KEYS})`
  const end = performance.now() + TICK_MS
  do {
    const keys = await readKeys(context, source, slot, BATCH_KEYS)
    if (keys.length === 0) return 0
    const batch = await chooseBatch(context, source, keys)
    await everyTime(context, { name: `${label}keys`, node: source.address, command }, () =>
      migrate(context, source, words, batch),
    )
  } while (performance.now() < end)
  return await countKeys(context, source, slot)
}

/**
 * Of a slot that is `home`'s, and closed there: what has left comes back. Of a key that is at both, that of `home` is
 * the newer: its clients were never sent on while it was there.
 * @returns how many are left
 */
export async function fetchKeys(
  context: ActionContext,
  slot: number,
  from: Side,
  home: Side,
  homePlace: HostPort,
  label: string,
): Promise<number> {
  const { words } = fetchCommand(from.address, homePlace)
  const command = `${commandText(words)} KEYS … (batches of up to ${UNSIZED_KEYS})`
  const end = performance.now() + TICK_MS
  do {
    const keys = await readKeys(context, from, slot, UNSIZED_KEYS)
    if (keys.length === 0) return 0
    const sizes = await readSizes(context, home, keys)
    for (const old of keys.filter((_, index) => sizes[index] !== null)) {
      const step = { name: `${label}old keys`, node: from.address, command: 'ASKING; UNLINK …' }
      await everyTime(context, step, async () => {
        await send(context, from.address, 'ASKING')
        await send(context, from.address, 'UNLINK', old)
      })
    }
    const batch = keys.filter((_, index) => sizes[index] === null)
    if (batch.length === 0) continue
    await everyTime(context, { name: `${label}keys`, node: from.address, command }, () =>
      migrate(context, from, words, batch),
    )
  } while (performance.now() < end)
  return await countKeys(context, from, slot)
}

/** All batches are one step, the first of them. */
async function everyTime(
  context: ActionContext,
  options: StepOptions,
  run: () => Promise<void>,
): Promise<void> {
  const isFirst = await context.step(options, async () => {
    await run()
    return true
  })
  if (!isFirst) await run()
}

async function readKeys(
  context: ActionContext,
  source: Side,
  slot: number,
  count: number,
): Promise<Buffer[]> {
  const reply = await sendBuffer(context, source.address, 0, 'CLUSTER', 'GETKEYSINSLOT', slot, count)
  if (!Array.isArray(reply)) return fail(`${source.address} does not list the keys of slot ${slot}.`)
  return reply.filter((key) => Buffer.isBuffer(key))
}

/** null: it is not there. @throws NodeFailure */
async function readSizes(
  context: ActionContext,
  side: Side,
  keys: readonly Buffer[],
): Promise<(number | null)[]> {
  return await Promise.all(
    keys.map(async (key) => {
      try {
        const reply = await send(context, side.address, 'MEMORY', 'USAGE', key, 'SAMPLES', 5)
        return typeof reply === 'number' ? reply : null
      } catch (error) {
        // Of a slot that is on its way: it is gone here by now.
        if (error instanceof NodeFailure && error.replyCode === 'ASK') return null
        throw error
      }
    }),
  )
}

/** As many as are small together, or the first alone. @throws Unmovable */
async function chooseBatch(context: ActionContext, source: Side, keys: Buffer[]): Promise<Buffer[]> {
  const sizes = await readSizes(context, source, keys)
  const large = findLarge(source, keys, sizes)
  if (large !== null) throw new Unmovable(large)
  let bytes = 0
  const fitting = keys.findIndex((_, index) => {
    bytes += sizes[index] ?? 0
    return bytes > BATCH_BYTES
  })
  return fitting < 0 ? keys : keys.slice(0, Math.max(1, fitting))
}

function findLarge({ address }: Side, keys: Buffer[], sizes: (number | null)[]): string | null {
  for (const [index, key] of keys.entries()) {
    const size = sizes[index] ?? 0
    if (size <= MAX_MIGRATED_BYTES) continue
    return `${formatKey(key)} takes ${bytesText(size)} at ${address}: one of more than ${bytesText(MAX_MIGRATED_BYTES)} is not moved, for both nodes serve nobody meanwhile.`
  }
  return null
}

/** The password goes over the wire alone. @throws Unmovable, FailedBatch */
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
    if (!(error instanceof NodeFailure) || error.replyCode === 'NOPERM') throw error
    if (/payload version|bad data format/i.test(error.message))
      throw new Unmovable(unreadable(source.address, `${words[1]}:${words[2]}`))
    // Written there since it was looked for: the next look finds it.
    if (/BUSYKEY/.test(error.message)) return
    // The words of the other server follow; neither repeats what was sent.
    const isFull = /OOM|maxmemory/i.test(error.message)
    throw new FailedBatch(
      isFull
        ? 'The destination is out of memory. Raise its maxmemory, or choose another shard.'
        : error.message,
    )
  }
}
