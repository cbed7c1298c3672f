/** Replicas that are read must keep up: one that is cut off answers with what it had, however old that is by now. */
import type { NodeAddress } from '../../../core/sample.ts'
import type { NodeReading } from '../../reading.ts'
import { numberField } from '../../sources/info.ts'

/** A link that is down for so long is no hiccup; an acknowledgement comes every second. */
const LINK_DOWN_SECONDS = 2
const SILENT_SECONDS = 3
/** One that has just started is passed by until it has its data: by the cluster's own list, and where it has nothing. */
const STARTED_SECONDS = 5

type Look = { address: NodeAddress; reading: Pick<NodeReading, 'info'> | null }

/**
 * @param primary of the shard; one without a reading is told by Unheard
 * @returns what is wrong with the first that is behind, in a sentence; null where all keep up
 */
export function findLateReplica(primary: Look, replicas: readonly Look[]): string | null {
  for (const { address, reading } of replicas) {
    if (reading === null || reading.info.role !== 'replica') continue
    const { info } = reading
    if (info.primary?.linkUp === false) {
      const downSeconds = numberField(info, 'master_link_down_since_seconds') ?? -1
      const upSeconds = numberField(info, 'uptime_in_seconds') ?? 0
      const isNew = downSeconds < 0 && upSeconds < STARTED_SECONDS
      if (!isNew && (downSeconds < 0 || downSeconds >= LINK_DOWN_SECONDS)) {
        return `The replica ${address} is cut off from its primary: what it answers grows old.`
      }
      continue
    }
    const line = primary.reading?.info.replicas.find((one) => one.address === address)
    if (line?.lagSeconds != null && line.lagSeconds >= SILENT_SECONDS) {
      return `The replica ${address} is ${line.lagSeconds} s behind its primary.`
    }
  }
  return null
}

/** A node that has told nothing for so long: what it serves is not known. */
const UNHEARD_MS = 5_000

/** Of one mitigation: which nodes of its shard tell nothing, and since when. */
export class Unheard {
  readonly #since = new Map<NodeAddress, number>()

  /**
   * @param now by a monotonic clock
   * @returns of the first that has told nothing for seconds, in a sentence; null where all do, or the primary vouches
   */
  find(primary: Look, replicas: readonly Look[], now: number): string | null {
    const silent = [primary, ...replicas].filter(
      (look) => look.reading === null && !(look !== primary && isInStep(primary, look.address)),
    )
    for (const address of this.#since.keys()) {
      if (!silent.some((look) => look.address === address)) this.#since.delete(address)
    }
    for (const { address } of silent) {
      const since = this.#since.get(address) ?? now
      this.#since.set(address, since)
      if (now - since < UNHEARD_MS) continue
      return address === primary.address
        ? `The primary ${address} has not answered for ${UNHEARD_MS / 1_000} s: what its replicas miss is not known.`
        : `The replica ${address} has not answered for ${UNHEARD_MS / 1_000} s, and its primary has lost it: what it answers grows old.`
    }
    return null
  }
}

function isInStep(primary: Look, replica: NodeAddress): boolean {
  const line = primary.reading?.info.replicas.find((one) => one.address === replica)
  return line?.lagSeconds != null && line.lagSeconds < SILENT_SECONDS
}
