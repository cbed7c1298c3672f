/** Writes of one primary are held back until its replicas have all of them; what follows is sent while they still wait. */
import { commandText, type ServerCommand } from '../../../core/mitigations/server-commands.ts'
import type { NodeAddress } from '../../../core/sample.ts'
import { NodeFailure } from '../../connection/failure.ts'
import type { ActionContext } from '../action.ts'
import { fail, field, readInfo, send, tryInfo } from './server-action.ts'

const CATCH_UP_MS = 2_000
/** What is left of the pause must be enough for what is sent under it. */
const MARGIN_MS = 500
const POLL_MS = 10

/**
 * @param command a CLIENT PAUSE of writes, its milliseconds the third word
 * @param replicas those that answer have to have it all, the first in any case
 * @returns until when the writes wait, by performance.now(); null: one has not caught up
 */
export async function pauseUntilEqual(
  context: ActionContext,
  name: string,
  command: ServerCommand,
  replicas: readonly NodeAddress[],
): Promise<number | null> {
  const { node, words } = command
  const paused = await context.step({ name, node, command: commandText(words) }, async () => {
    const startedAt = performance.now()
    const [word = '', ...args] = words
    await send(context, node, word, ...args)
    const info = await readInfo(context, node)
    const offset = field(info, 'master_repl_offset') ?? fail(`${node} does not say how far its writes are.`)
    return { offset, startedAt }
  })
  if (paused === undefined) return null
  const { offset, startedAt } = paused
  for (const [index, replica] of replicas.entries()) {
    const isNeeded = index === 0
    if (!(await hasReached(context, replica, offset, startedAt + CATCH_UP_MS, isNeeded))) return null
  }
  return startedAt + Number(words[2]) - MARGIN_MS
}

async function hasReached(
  context: ActionContext,
  replica: NodeAddress,
  offset: number,
  until: number,
  isNeeded: boolean,
): Promise<boolean> {
  while (performance.now() < until) {
    const info = await tryInfo(context, replica)
    if (info === null) return !isNeeded
    if (info.primary?.linkUp !== true) return false
    if ((field(info, 'slave_repl_offset') ?? -1) >= offset) return true
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
  return false
}

/** As a step. @throws NodeFailure, without an answer's code, when the pause may be over: nothing was sent then */
export async function sendInTime(
  context: ActionContext,
  name: string,
  { node, words }: ServerCommand,
  endsAt: number,
  tolerate: (error: NodeFailure) => boolean = () => false,
): Promise<void> {
  await context.step({ name, node, command: commandText(words) }, async () => {
    if (performance.now() > endsAt) {
      throw new NodeFailure({ state: 'timeout', message: 'The pause of writes ran out; it is begun again.' })
    }
    const [word = '', ...args] = words
    try {
      await send(context, node, word, ...args)
    } catch (error) {
      if (!(error instanceof NodeFailure) || !tolerate(error)) throw error
    }
  })
}
