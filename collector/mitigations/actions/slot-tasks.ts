/** The moves of slots that a node does, or did, by itself, as it lists them. */
import type { ActionContext } from '../action.ts'
import { send } from './server-action.ts'
import type { Side } from './slot-view.ts'

export type NativeMethod = 'redis' | 'valkey'
export type SlotTask = {
  id: string
  slots: [number, number][]
  /** The id of the node that takes them; null where a replica tells of its primary's. */
  to: string | null
  isOver: boolean
  /** The slot has moved. */
  isDone: boolean
  /** By a person, not by a failover. */
  isCalledOff: boolean
  /** In the words of the engine. */
  state: string
  message: string
  /** Epoch, in the unit of the engine. */
  createdAt: number
}

/** Of both sides in Redis; in Valkey only the sending one says how it ended. @throws NodeFailure */
export async function listTasks(
  context: ActionContext,
  method: NativeMethod,
  { address }: Side,
): Promise<SlotTask[]> {
  const words = method === 'redis' ? ['MIGRATION', 'STATUS', 'ALL'] : ['GETSLOTMIGRATIONS']
  return parseTasks(await send(context, address, 'CLUSTER', ...words))
}

/** Lists of names and values, of either engine. */
function parseTasks(reply: unknown): SlotTask[] {
  if (!Array.isArray(reply)) return []
  return reply.flatMap((entry: unknown) => {
    if (!Array.isArray(entry)) return []
    const fields = new Map<string, string>()
    for (let at = 0; at + 1 < entry.length; at += 2) fields.set(String(entry[at]), String(entry[at + 1]))
    const field = (redis: string, valkey = redis) => fields.get(redis) ?? fields.get(valkey)
    const state = field('state') ?? ''
    const message = field('last_error', 'message') ?? ''
    const isDone = /^(completed|success)$/.test(state)
    // The importing side of a Redis tries a failed one again by itself; a Valkey does not.
    const isTriedAgain = field('operation') === 'import'
    return [
      {
        id: field('id', 'name') ?? '',
        slots: parseRanges(field('slots', 'slot_ranges') ?? ''),
        to: field('dest', 'target_node') ?? null,
        isOver: isDone || /^cancell?ed$/.test(state) || (state === 'failed' && !isTriedAgain),
        isDone,
        isCalledOff: /^cancell?ed$/.test(state) && !/failover/i.test(message),
        state,
        message,
        createdAt: Number(field('create_time') ?? 0),
      },
    ]
  })
}

/** `5-9 12-12` */
function parseRanges(text: string): [number, number][] {
  return [...text.matchAll(/(\d+)(?:-(\d+))?/g)].map(([, first, last]) => [
    Number(first),
    Number(last ?? first),
  ])
}
