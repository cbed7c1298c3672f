/** What an engine counts of single lines: the same question to both engines, through their common interface. */
import { createStreamEngine } from '../../collector/monitor/engine.ts'
import type { ParserSession, StreamEngine } from '../../collector/monitor/parser-types.ts'
import { TypeScriptEngine } from '../../collector/monitor/typescript-engine.ts'
import type { CommandTable } from '../../core/hot-keys/command-keys.ts'

const NOW = 1_700_000_000_000
const SESSION: ParserSession = { replies: 0, ownAddresses: [], replica: false, primaryAddress: null }

/** `key` as latin1. */
export type LineKey = { key: string; db: number; write: boolean; command: string }

/** This machine's engine and the reference, which may be the same. */
export function bothEngines(table: CommandTable): StreamEngine[] {
  return [createStreamEngine(table, 0x5eed), new TypeScriptEngine(table, 0x5eed)]
}

/** The different keys of the lines, in the order of their bytes. */
export function keysOfLines(
  engine: StreamEngine,
  table: CommandTable,
  lines: string | Uint8Array,
  session: Partial<ParserSession> = {},
): LineKey[] {
  engine.reset()
  engine.begin({ ...SESSION, ...session })
  engine.feed(Buffer.from(lines), NOW)
  engine.end()
  const merged = engine.merge(NOW, 10_000)
  const keys = (merged?.keys ?? []).map(({ key, db, writes, command }) => ({
    key: Buffer.from(key).toString('latin1'),
    db,
    write: writes > 0,
    command: table.commands[command]?.name ?? '',
  }))
  return keys.sort((one, other) => (one.key < other.key ? -1 : 1))
}
