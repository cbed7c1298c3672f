/** A small command table with every way to find keys, and both engines for it. */
import { createStreamEngine } from '../../collector/monitor/engine.ts'
import type { ParserSession, StreamEngine } from '../../collector/monitor/parser-types.ts'
import { TypeScriptEngine } from '../../collector/monitor/typescript-engine.ts'
import { parseCommandTable } from '../../core/hot-keys/command-keys.ts'

const at = (index: number) => ({ type: 'index', spec: { index } })
const range = (lastkey: number, keystep = 1, limit = 0) => ({
  type: 'range',
  spec: { lastkey, keystep, limit },
})
const spec = (flags: string[], begin_search: object, find_keys: object) => ({
  flags,
  begin_search,
  find_keys,
})
const command = (name: string, flag: 'readonly' | 'write', specs: object[], children: unknown[] = []) => [
  name,
  -1,
  [flag],
  0,
  0,
  0,
  [],
  [],
  specs,
  children,
]

export const engineTable = parseCommandTable([
  command('get', 'readonly', [spec(['RO'], at(1), range(0))]),
  command('set', 'write', [spec(['OW'], at(1), range(0))]),
  command('mget', 'readonly', [spec(['RO'], at(1), range(-1))]),
  command('mset', 'write', [spec(['OW'], at(1), range(-1, 2))]),
  command('blpop', 'write', [spec(['RW'], at(1), range(-2))]),
  command('rename', 'write', [spec(['RW'], at(1), range(0)), spec(['OW'], at(2), range(0))]),
  command('copy', 'write', [spec(['RO'], at(1), range(0)), spec(['OW'], at(2), range(0))]),
  command('bitop', 'write', [spec(['OW'], at(2), range(0)), spec(['RO'], at(3), range(-1))]),
  command('eval', 'write', [
    spec(['RW'], at(2), { type: 'keynum', spec: { keynumidx: 0, firstkey: 1, keystep: 1 } }),
  ]),
  command('xread', 'readonly', [
    spec(['RO'], { type: 'keyword', spec: { keyword: 'STREAMS', startfrom: 1 } }, range(-1, 1, 2)),
  ]),
  command('sort', 'write', [spec(['RO'], at(1), range(0))]),
  command('object', 'readonly', [], [command('object|freq', 'readonly', [spec(['RO'], at(2), range(0))])]),
  command('ping', 'readonly', []),
])

export const ENGINE_SESSION: ParserSession = {
  replies: 0,
  ownAddresses: [],
  replica: false,
  primaryAddress: null,
}

export const ENGINE_KINDS = ['wasm', 'typescript'] as const

/** @throws Error where the module is not built: a test that passed then would have tested nothing. */
export function createEngine(kind: 'wasm' | 'typescript', seed = 0x5eed): StreamEngine {
  const engine =
    kind === 'wasm' ? createStreamEngine(engineTable, seed) : new TypeScriptEngine(engineTable, seed)
  if (engine.kind !== kind) throw new Error(`The ${kind} engine is not there: run the set-up`)
  return engine
}

export function commandId(name: string): number {
  const found = engineTable.commands.find((one) => one.statName === name)
  if (found === undefined) throw new Error(`The table has no ${name}`)
  return found.id
}
