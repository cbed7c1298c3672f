/** How a node is watched, in words. */
import type { Watching } from '../../../../../../core/model.ts'

type State = Watching['sources'][number]['state']

export const STATE_WORDS: Record<State, string> = {
  used: 'in use',
  ready: 'ready, not needed',
  refused: 'not permitted or not possible now',
  unsupported: 'not on this server',
}

const ENDS: Record<string, string> = {
  window: 'its time was up',
  lines: 'it had read enough commands',
  bytes: 'it had read as many bytes as it may',
  memory: 'the node was short of memory for its answers',
  lag: 'Cachescope itself was late in reading',
  guard: 'the node needed its time for itself',
  aborted: 'watching was stopped',
  failed: 'the connection failed',
  refused: 'the node refused it',
}

/** Why a burst ended; a reason that has no words here is shown as it is. */
export function endText(end: string): string {
  return ENDS[end] ?? end
}
