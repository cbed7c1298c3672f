import { commandText, type ServerCommand } from '../../../core/mitigations/server-commands.ts'
import type { ActionContext } from '../action.ts'
import { send } from './server-action.ts'

/** What the servers show undone is done, though a step says it was: a restarted node forgets. One step for all of them. */
export async function sendAgain(
  context: ActionContext,
  name: string,
  { node, words }: ServerCommand,
): Promise<void> {
  const [command = '', ...args] = words
  const isFirst = await context.step({ name, node, command: commandText(words) }, async () => {
    await send(context, node, command, ...args)
    return true
  })
  if (!isFirst) await send(context, node, command, ...args)
}
