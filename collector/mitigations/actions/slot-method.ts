/** How a slot moves: by the servers themselves where both can, else key by key. */
import { NodeFailure } from '../../connection/failure.ts'
import type { InfoReading } from '../../sources/info.ts'
import type { ActionContext } from '../action.ts'
import { isAtLeast, refuse } from './server-action.ts'
import { listTasks, type NativeMethod } from './slot-tasks.ts'
import type { Side } from './slot-view.ts'

/** `known`: ids of the tasks that the servers have of others. */
export async function chooseMethod(
  context: ActionContext,
  slot: number,
  source: Side,
  destination: Side,
  from: InfoReading,
  to: InfoReading,
): Promise<{ method: NativeMethod | 'classic'; known: string[] }> {
  const method = nativeMethodOf(from, to)
  if (method === null) return { method: 'classic', known: [] }
  try {
    const tasks = [
      ...(await listTasks(context, method, source)),
      ...(await listTasks(context, method, destination)),
    ]
    const moves = ({ slots }: { slots: [number, number][] }) =>
      slots.some(([first, last]) => first <= slot && slot <= last)
    if (tasks.some((task) => !task.isOver && moves(task)))
      refuse(`Slot ${slot} is being moved already. Let that end first.`)
    return { method, known: tasks.map(({ id }) => id) }
  } catch (error) {
    // A fork, or a module, that goes by the version of another: what every cluster knows is left.
    if (error instanceof NodeFailure && error.replyCode === 'ERR' && /unknown|syntax/i.test(error.message))
      return { method: 'classic', known: [] }
    throw error
  }
}

function nativeMethodOf(from: InfoReading, to: InfoReading): NativeMethod | null {
  const both = [from, to]
  const isValkey = both.every(
    (info) => info.engine === 'valkey' && Number.parseInt(info.version ?? '', 10) >= 9,
  )
  if (isValkey) return 'valkey'
  return both.every((info) => info.engine === 'redis' && isAtLeast(info, 8, 4)) ? 'redis' : null
}
