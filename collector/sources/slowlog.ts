/**
 * Slow log entries, without values: of a command's arguments only its name and its keys, found by the node's own
 * command table, leave this file. Of a command that the table does not know, nothing but the count is kept.
 */
import type { CommandTable } from '../../core/hot-keys/command-keys.ts'
import { DONE, KeyWalker, MAX_WORD_BYTES, WORD } from '../../core/hot-keys/key-walker.ts'
import { UnknownNames } from '../monitor/unknown-names.ts'
import type { Source } from './source.ts'

export type SlowlogReading = {
  entryId: number
  /** By the server's clock. */
  atSeconds: number
  durationUs: number
  command: string
  keys: Uint8Array[]
  argumentCount: number
  clientAddress: string | null
}

export type SlowlogReply = { reply: unknown; table: CommandTable }

export const slowlogSource: Source<SlowlogReply, SlowlogReading[], { count: number; table: CommandTable }> = {
  name: 'slowlog',
  read: async (node, { count, table }) => ({ reply: await node.callBuffer('SLOWLOG', 'GET', count), table }),
  parse: ({ reply, table }) => parseSlowlog(reply, table),
}

/** Names of commands in it that the table does not list: renamed ones, for a server logs only what it has run. */
export function unknownCommands({ reply, table }: SlowlogReply): readonly string[] {
  const unknown = new UnknownNames()
  for (const entry of Array.isArray(reply) ? (reply as unknown[]) : []) {
    const argumentList: unknown = Array.isArray(entry) ? entry[3] : null
    const name: unknown = Array.isArray(argumentList) ? argumentList[0] : null
    if (!(name instanceof Uint8Array) || name.length > MAX_WORD_BYTES) continue
    if (table.names.find(name, 0, name.length) === null) unknown.add(name, 0, name.length)
  }
  return unknown.names
}

/** Newest first, as the server has them. Entries of another shape are left out. */
export function parseSlowlog(reply: unknown, table: CommandTable): SlowlogReading[] {
  if (!Array.isArray(reply)) return []
  return reply.flatMap((entry: unknown): SlowlogReading[] => {
    if (!Array.isArray(entry)) return []
    const [entryId, atSeconds, durationUs, argumentList, client] = entry as unknown[]
    if (!isNumber(entryId) || !isNumber(atSeconds) || !isNumber(durationUs) || !Array.isArray(argumentList))
      return []
    const { args, argumentCount } = withoutOmission(argumentList.map(toBytes))
    const clientAddress = client instanceof Uint8Array ? Buffer.from(client).toString('latin1') : ''
    return [
      {
        entryId,
        atSeconds,
        durationUs,
        ...commandAndKeys(args, argumentCount, table),
        argumentCount,
        clientAddress: clientAddress === '' ? null : clientAddress,
      },
    ]
  })
}

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value)
const toBytes = (value: unknown): Buffer =>
  value instanceof Uint8Array ? Buffer.from(value) : Buffer.from(String(value))

/** The server keeps 32 arguments; the last one then says how many it left out. */
function withoutOmission(args: Buffer[]): { args: Buffer[]; argumentCount: number } {
  const omitted = /^\.\.\. \((\d+) more arguments\)$/.exec(args.at(-1)?.toString('latin1') ?? '')
  if (!omitted || args.length < 32) return { args, argumentCount: args.length }
  return { args: args.slice(0, -1), argumentCount: args.length - 1 + Number(omitted[1]) }
}

/** The server cuts arguments at 128 bytes: a key that was cut is not that key. */
const CUT = /\.\.\. \(\d+ more bytes\)$/

function commandAndKeys(
  args: Buffer[],
  argumentCount: number,
  table: CommandTable,
): { command: string; keys: Uint8Array[] } {
  const first = args[0]
  let command = first ? table.names.find(first, 0, first.length) : null
  if (!command) return { command: 'UNKNOWN', keys: [] }
  const second = args[1]
  if (command.subcommands && second) command = command.subcommands.find(second, 0, second.length) ?? command

  const walker = new KeyWalker()
  walker.start(command)
  const found: { number: number; index: number; key: Buffer }[] = []
  for (let index = 1; index < args.length; index++) {
    const argument = args[index] as Buffer
    const want = walker.want(index)
    if (want === DONE) break
    if (want === WORD) walker.word(index, argument, 0, argument.length > MAX_WORD_BYTES ? 0 : argument.length)
    else if (want >= 0) found.push({ number: want, index, key: argument })
  }
  const keys = found
    .filter(({ number, index }) => walker.isKey(number, index, argumentCount))
    .filter(({ key }) => !CUT.test(key.toString('latin1')))
    .map(({ key }) => Uint8Array.from(key))
  return { command: command.name, keys }
}
