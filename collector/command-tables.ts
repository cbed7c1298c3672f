/** Command tables, one for all nodes that answer COMMAND alike: a fleet has a few, whatever its size. */
import { createHash } from 'node:crypto'
import { type CommandTable, parseCommandTable, withCommandNames } from '../core/hot-keys/command-keys.ts'

export class CommandTables {
  readonly #byDigest = new Map<string, CommandTable>()
  readonly #extended = new WeakMap<CommandTable, Map<string, CommandTable>>()

  /**
   * @param reply COMMAND as the driver gives it
   * @throws Error when it is not a reply of COMMAND
   */
  parse(reply: unknown): CommandTable {
    const digest = replyDigest(reply)
    const known = this.#byDigest.get(digest)
    if (known) return known
    const table = parseCommandTable(reply)
    this.#byDigest.set(digest, table)
    return table
  }

  /** The table with more names; the same one when the reply knows none. @param reply COMMAND INFO of the names */
  extend(table: CommandTable, names: readonly string[], reply: unknown): CommandTable {
    if (!Array.isArray(reply) || !reply.some(Array.isArray)) return table
    const byNames = this.#extended.get(table) ?? new Map<string, CommandTable>()
    this.#extended.set(table, byNames)
    const digest = sha256(`${JSON.stringify(names)} ${JSON.stringify(reply, asText)}`)
    const extended = byNames.get(digest) ?? withCommandNames(table, names, reply)
    byNames.set(digest, extended)
    return extended
  }
}

/** Every server lists its commands in an order of its own. */
function replyDigest(reply: unknown): string {
  const entries = Array.isArray(reply) ? reply : [reply]
  const digests = entries.map((entry) => sha256(JSON.stringify(entry, asText))).sort()
  return sha256(digests.join())
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('base64')

/** JSON.stringify hands a Buffer over as `{ type, data }`. */
function asText(_name: string, value: unknown): unknown {
  const bytes = value as { type?: unknown; data?: unknown } | null
  return bytes?.type === 'Buffer' && Array.isArray(bytes.data)
    ? Buffer.from(bytes.data).toString('latin1')
    : value
}
