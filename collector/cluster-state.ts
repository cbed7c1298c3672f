/** Whether a cluster serves: what most of its nodes say of it, once they have said it twice. */
import type { EventSample } from '../core/sample.ts'
import type { NodeWatcher } from './node-watcher.ts'

export class ClusterState {
  #isOk: boolean | null = null
  #seen: boolean | null = null

  /** @returns what is to be told of; null where nothing has changed */
  update(nodes: readonly Pick<NodeWatcher, 'reading'>[]): Pick<EventSample, 'kind' | 'message'> | null {
    const votes = nodes.flatMap(({ reading }) => (reading?.cluster ? [reading.cluster.ok] : []))
    if (votes.length === 0) return null
    const isOk = votes.filter((vote) => vote).length * 2 >= votes.length
    const isConfirmed = this.#seen === isOk
    this.#seen = isOk
    if (!isConfirmed || this.#isOk === isOk) return null
    const isFirst = this.#isOk === null
    this.#isOk = isOk
    if (isFirst && isOk) return null
    return isOk
      ? { kind: 'cluster-ok', message: 'The cluster serves all slots again.' }
      : {
          kind: 'cluster-down',
          message: 'The cluster does not serve: slots have no primary, or most primaries are out of reach.',
        }
  }
}
