/**
 * Where a command's keys are, from the node's own COMMAND reply: key specifications (Redis ≥ 7, Valkey),
 * else first/last/step and, for the movable ones, the table of legacy-keys.ts.
 */
import type { KeyBegin, KeyFind, KeySpec } from './key-spec.ts'
import { legacySpecs } from './legacy-keys.ts'

export type CommandKeys = {
  /** Position in `CommandTable.commands`. */
  readonly id: number
  /** In capitals: `GET`, `XINFO STREAM`. */
  readonly name: string
  /** As commandstats has it: `get`, `xinfo|stream`. */
  readonly statName: string
  /** Not shown by MONITOR, whoever sends it. */
  readonly hidden: boolean
  readonly write: boolean
  readonly specs: readonly KeySpec[]
  /** null unless it is a container (`XINFO`) whose subcommands the node lists. */
  readonly subcommands: CommandNames | null
}

/** Names to commands, by bytes and in any case, without making a string of what is looked up. */
export class CommandNames {
  readonly #buckets = new Map<number, { name: Uint8Array; command: CommandKeys }[]>()

  /** Every name that is set, in lower case. */
  entries(): { name: Uint8Array; command: CommandKeys }[] {
    return [...this.#buckets.values()].flat()
  }

  set(name: string, command: CommandKeys): void {
    const bytes = new TextEncoder().encode(name.toLowerCase())
    const hash = hashName(bytes, 0, bytes.length)
    const bucket = this.#buckets.get(hash) ?? []
    bucket.push({ name: bytes, command })
    this.#buckets.set(hash, bucket)
  }

  find(bytes: Uint8Array, start: number, end: number): CommandKeys | null {
    const bucket = this.#buckets.get(hashName(bytes, start, end))
    if (bucket === undefined) return null
    for (const { name, command } of bucket) if (equalsIgnoringCase(bytes, start, end, name)) return command
    return null
  }
}

export type CommandTable = { readonly commands: readonly CommandKeys[]; readonly names: CommandNames }

/**
 * @param reply COMMAND as the driver gives it: arrays (RESP2) or arrays, maps and sets (RESP3), strings or bytes
 * @throws Error when it is not a reply of COMMAND
 */
export function parseCommandTable(reply: unknown): CommandTable {
  if (!Array.isArray(reply) || reply.length === 0)
    throw new Error('COMMAND did not answer with a list of commands')
  const commands: CommandKeys[] = []
  const names = new CommandNames()
  for (const entry of reply) {
    const command = addCommand(entry, commands)
    names.set(command.statName, command)
  }
  return { commands, names }
}

/**
 * The same table with names that COMMAND does not list: a renamed command stands there under its old name, which
 * COMMAND INFO tells; a module's may have come since. Ids stay.
 * @param names as they were asked for
 * @param reply COMMAND INFO's for them: null where the node knows no such command
 */
export function withCommandNames(
  table: CommandTable,
  names: readonly string[],
  reply: unknown,
): CommandTable {
  const commands = [...table.commands]
  const extended = new CommandNames()
  for (const { name, command } of table.names.entries()) extended.set(new TextDecoder().decode(name), command)
  names.forEach((name, index) => {
    const entry = list(reply)[index]
    if (list(entry).length === 0) return
    const own = text(list(entry)[0]).toLowerCase()
    const known = commands.find((command) => command.statName === own)
    extended.set(name, known ?? addCommand(entry, commands))
  })
  return { commands, names: extended }
}

function addCommand(entry: unknown, commands: CommandKeys[]): CommandKeys {
  const fields = list(entry)
  const statName = text(fields[0]).toLowerCase()
  if (statName === '') throw new Error('COMMAND answered with an entry that has no name')
  const flags = new Set(list(fields[2]).map((flag) => text(flag).toLowerCase()))
  const write = flags.has('write')
  const id = commands.length
  const children = fields.length > 9 ? list(fields[9]) : []
  const subcommands = children.length > 0 ? new CommandNames() : null
  const command: CommandKeys = {
    id,
    name: statName.replaceAll('|', ' ').toUpperCase(),
    statName,
    hidden: flags.has('admin'),
    write,
    specs: specsOf(statName, fields, write, flags),
    subcommands,
  }
  commands.push(command)
  for (const child of children) {
    const parsed = addCommand(child, commands)
    subcommands?.set(parsed.statName.slice(parsed.statName.indexOf('|') + 1), parsed)
  }
  return command
}

function specsOf(name: string, fields: unknown[], write: boolean, flags: Set<string>): KeySpec[] {
  if (name === 'bitfield')
    return [{ begin: { kind: 'index', index: 1 }, find: { kind: 'bitfield' }, write: true }]
  const specs =
    fields.length > 8
      ? list(fields[8]).flatMap((spec) => parseSpec(spec, write))
      : legacySpecs(
          name,
          integer(fields[3]),
          integer(fields[4]),
          integer(fields[5]),
          write,
          flags.has('movablekeys'),
        )
  if (name === 'sort')
    specs.push({ begin: { kind: 'index', index: 2 }, find: { kind: 'sort-store' }, write: true })
  if (name === 'migrate') {
    const single = specs.filter((spec) => spec.begin.kind === 'index')
    return [...single, { begin: { kind: 'index', index: 6 }, find: { kind: 'migrate-keys' }, write: true }]
  }
  return specs
}

/** No spec for one that names no key (a channel), or whose place only the server's own code can tell. */
function parseSpec(spec: unknown, commandWrites: boolean): KeySpec[] {
  const fields = record(spec)
  const flags = new Set(list(fields.get('flags')).map((flag) => text(flag)))
  if (flags.has('not_key')) return []
  const begin = parseBegin(record(fields.get('begin_search')))
  const find = parseFind(record(fields.get('find_keys')))
  if (begin === null || find === null) return []
  const write = flags.has('RW') || flags.has('OW') || flags.has('RM') || (!flags.has('RO') && commandWrites)
  return [{ begin, find, write }]
}

function parseBegin(fields: Map<string, unknown>): KeyBegin | null {
  const spec = record(fields.get('spec'))
  const kind = text(fields.get('type'))
  if (kind === 'index') return { kind, index: integer(spec.get('index')) }
  if (kind !== 'keyword') return null
  // A negative start is counted from the end, which a stream has not seen yet: search the whole line.
  return {
    kind,
    keyword: text(spec.get('keyword')).toLowerCase(),
    from: Math.max(1, integer(spec.get('startfrom'))),
  }
}

function parseFind(fields: Map<string, unknown>): KeyFind | null {
  const spec = record(fields.get('spec'))
  const kind = text(fields.get('type'))
  const step = Math.max(1, integer(spec.get('keystep')))
  if (kind === 'range')
    return { kind, last: integer(spec.get('lastkey')), step, limit: integer(spec.get('limit')) }
  if (kind !== 'keynum') return null
  return { kind, countAt: integer(spec.get('keynumidx')), first: integer(spec.get('firstkey')), step }
}

function list(value: unknown): unknown[] {
  if (Array.isArray(value)) return value
  return value instanceof Set ? [...value] : []
}

/** A map in whichever form the driver gives it. */
function record(value: unknown): Map<string, unknown> {
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [text(key), item]))
  if (Array.isArray(value)) {
    const pairs = new Map<string, unknown>()
    for (let index = 0; index + 1 < value.length; index += 2) pairs.set(text(value[index]), value[index + 1])
    return pairs
  }
  return new Map(typeof value === 'object' && value !== null ? Object.entries(value) : [])
}

function text(value: unknown): string {
  if (typeof value === 'string') return value
  return value instanceof Uint8Array ? new TextDecoder().decode(value) : ''
}

function integer(value: unknown): number {
  const parsed = Number(value instanceof Uint8Array ? text(value) : value)
  return Number.isInteger(parsed) ? parsed : 0
}

function hashName(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ lower(bytes[at] as number), 0x01000193)
  return hash
}

/** @param name in lower case */
export function equalsIgnoringCase(bytes: Uint8Array, start: number, end: number, name: Uint8Array): boolean {
  if (end - start !== name.length) return false
  for (let at = 0; at < name.length; at++) if (lower(bytes[start + at] as number) !== name[at]) return false
  return true
}

function lower(byte: number): number {
  return byte >= 65 && byte <= 90 ? byte + 32 : byte
}
