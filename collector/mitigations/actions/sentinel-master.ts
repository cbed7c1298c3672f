/** What the Sentinels of a cache tell of its primary. */
import type { NodeAddress } from '../../../core/sample.ts'
import { NodeFailure } from '../../connection/failure.ts'
import type { ActionContext } from '../action.ts'
import { send } from './server-action.ts'

/** @returns SENTINEL MASTERS' fields of it, of the first of those asked that has it; null: none answers with it */
export async function readMaster(
  context: ActionContext,
  sentinels: readonly NodeAddress[],
): Promise<Map<string, string> | null> {
  for (const sentinel of sentinels) {
    const masters = await readMasters(context, sentinel)
    const own = masters.find((fields) => fields.get('name') === context.cache.sentinel?.masterName)
    if (own !== undefined) return own
  }
  return null
}

/** Empty where it does not answer. */
async function readMasters(context: ActionContext, sentinel: NodeAddress): Promise<Map<string, string>[]> {
  try {
    const reply = await send(context, sentinel, 'SENTINEL', 'MASTERS')
    return (Array.isArray(reply) ? reply : []).map(fieldsOf)
  } catch (error) {
    if (!(error instanceof NodeFailure) || error.replyCode === 'NOPERM') throw error
    return []
  }
}

function fieldsOf(entry: unknown): Map<string, string> {
  const words = (Array.isArray(entry) ? entry : []).map(String)
  return new Map(words.flatMap((word, index) => (index % 2 === 0 ? [[word, words[index + 1] ?? '']] : [])))
}
