/** The engine that reads MONITOR's stream on this machine. */
import type { CommandTable } from '../../core/hot-keys/command-keys.ts'
import type { StreamEngine } from './parser-types.ts'
import { TypeScriptEngine } from './typescript-engine.ts'

export function createStreamEngine(table: CommandTable, seed: number): StreamEngine {
  return new TypeScriptEngine(table, seed)
}
