/** At several nodes by turns, each for itself: one that does not answer keeps no other from its own. */
import type { NodeAddress } from '../../../core/sample.ts'
import { NodeFailure } from '../../connection/failure.ts'
import type { ActionContext, Outcome } from '../action.ts'
import { isGivenUp } from './give-up.ts'
import { Ended } from './server-action.ts'

export type Left = { address: NodeAddress; error: NodeFailure | Ended }

/** @returns those where it failed @throws what is no answer of a node */
export async function eachNode(
  addresses: readonly NodeAddress[],
  run: (address: NodeAddress) => Promise<void>,
): Promise<Left[]> {
  const left: Left[] = []
  for (const address of addresses) {
    try {
      await run(address)
    } catch (error) {
      if (!(error instanceof NodeFailure || error instanceof Ended)) throw error
      left.push({ address, error })
    }
  }
  return left
}

/**
 * What a way back comes to that failed at some nodes.
 * @param what `greedy is off`, as it is there still
 * @returns null where nothing is left; failed where it is given up, with the nodes' names
 */
export function leftOver(context: ActionContext, left: readonly Left[], what: string): Outcome | null {
  const [first] = left
  if (first === undefined) return null
  const names = left.map(({ address }) => address).join(', ')
  if (!isGivenUp(context)) {
    return { kind: 'wait', message: `${what} still on ${names}: ${first.error.message}` }
  }
  return {
    kind: 'failed',
    message: `Given up: ${what} still on ${names}, put it back by hand. ${first.error.message}`,
  }
}
