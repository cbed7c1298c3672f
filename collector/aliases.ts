/**
 * Two addresses with one run id are one server: `localhost:6379` as configured, `127.0.0.1:6379` as announced.
 * What an address leads to can change, a name after a failover: an alias holds for the run that it was found for.
 */
import type { NodeAddress } from '../core/sample.ts'

/** An address that is watched, and the run id of what answers there; null while nothing does. */
export type WatchedRun = { address: NodeAddress; runId: string | null }

export class Aliases {
  readonly #known = new Map<NodeAddress, { address: NodeAddress; runId: string }>()
  readonly #readRunId: (address: NodeAddress) => Promise<string | null>

  /** @param readRunId asks an address that is not watched */
  constructor(readRunId: (address: NodeAddress) => Promise<string | null>) {
    this.#readRunId = readRunId
  }

  has(address: NodeAddress): boolean {
    return this.#known.has(address)
  }

  /** The address to use for a server. */
  canonical(address: NodeAddress): NodeAddress {
    return this.#known.get(address)?.address ?? address
  }

  /**
   * @param watched those to be preferred first
   * @returns the addresses that were aliases and are servers of their own now
   */
  async update(watched: readonly WatchedRun[]): Promise<NodeAddress[]> {
    const runs = new Map(watched.map(({ address, runId }) => [address, runId]))
    const freed: NodeAddress[] = []
    for (const [address, alias] of [...this.#known]) {
      const runId = runs.get(alias.address)
      if (runId === alias.runId || runId === null) continue
      const own = runs.get(address) ?? (await this.#readRunId(address))
      const same = own === null ? undefined : watched.find((one) => one.runId === own)
      this.#known.delete(address)
      if (own !== null && same && same.address !== address) {
        this.#known.set(address, { address: same.address, runId: own })
      } else freed.push(address)
    }
    const byRun = new Map<string, NodeAddress>()
    for (const { address, runId } of watched) {
      if (runId === null) continue
      const first = byRun.get(runId)
      if (first === undefined) byRun.set(runId, address)
      else this.#known.set(address, { address: first, runId })
    }
    return freed.filter((address) => !this.#known.has(address))
  }
}
