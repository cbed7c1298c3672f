/**
 * Who of this process reads a server for hot keys: two caches may lead to one server, under one address or two, and
 * the burden on it would be double. (Of several processes the lease lets one.)
 */
export class Claims {
  readonly #holders = new Map<string, { holder: object; name: string }>()

  /**
   * @param server its run id; its address where it has none
   * @returns the name of the one who reads the server already; null when the server is now the asker's
   */
  claim(server: string, holder: object, name: string): string | null {
    const other = this.#holders.get(server)
    if (other !== undefined && other.holder !== holder) return other.name
    if (other === undefined) this.release(holder)
    this.#holders.set(server, { holder, name })
    return null
  }

  release(holder: object): void {
    for (const [server, held] of this.#holders) if (held.holder === holder) this.#holders.delete(server)
  }
}
