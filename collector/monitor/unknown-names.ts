/** Names of commands that a table does not list: the node runs them, so it can be asked what they are. */
const MAX_NAMES = 16

export class UnknownNames {
  readonly names: string[] = []

  /** A name that is empty, or no plain word, is none that could be asked for. */
  add(bytes: Uint8Array, start: number, end: number): void {
    if (end === start || this.names.length === MAX_NAMES) return
    for (let at = start; at < end; at++) {
      const byte = bytes[at] as number
      if (byte <= 32 || byte >= 127) return
    }
    const name = Buffer.from(bytes.subarray(start, end)).toString('latin1').toLowerCase()
    if (!this.names.includes(name)) this.names.push(name)
  }
}
