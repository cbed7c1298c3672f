/** How long the node takes for the smallest answer, as a client on this machine sees it. */
import type { Source } from './source.ts'

export const pingSource: Source<number, { pingMs: number }> = {
  name: 'ping',
  async read(node) {
    const started = performance.now()
    await node.call('PING')
    return performance.now() - started
  },
  parse: (elapsedMs) => ({ pingMs: Math.round(elapsedMs * 1_000) / 1_000 }),
}
