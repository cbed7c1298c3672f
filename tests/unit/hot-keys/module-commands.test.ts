/** Commands that COMMAND alone does not tell: a module's, and renamed ones. */
import { expect, test } from 'vitest'
import { parseCommandTable, withCommandNames } from '../../../core/hot-keys/command-keys.ts'
import { bothEngines, keysOfLines } from '../../support/engine-keys.ts'
import { monitorLine } from '../../support/monitor-lines.ts'

/** As a module's command stands in COMMAND of Redis 7: specifications made by the server from first, last and step. */
function entry(name: string, flags: string[], first: number, last: number, step: number, specs?: unknown[]) {
  const spec = [
    'flags',
    flags.includes('write') ? ['RW', 'access', 'update'] : ['RO', 'access'],
    'begin_search',
    ['type', 'index', 'spec', ['index', first]],
    'find_keys',
    ['type', 'range', 'spec', ['lastkey', last < 0 ? last : last - first, 'keystep', step, 'limit', 0]],
  ]
  return [name, -2, flags, first, last, step, [], [], specs ?? (first === 0 ? [] : [spec]), []]
}

const keynum = [
  'flags',
  ['RO', 'access'],
  'begin_search',
  ['type', 'keyword', 'spec', ['keyword', 'KEYS', 'startfrom', 1]],
  'find_keys',
  ['type', 'keynum', 'spec', ['keynumidx', 0, 'firstkey', 1, 'keystep', 1]],
]

const table = parseCommandTable([
  entry('get', ['readonly', 'fast'], 1, 1, 1),
  entry('json.set', ['write', 'module'], 1, 1, 1),
  entry('json.mget', ['readonly', 'module'], 1, -2, 1),
  entry('json.mset', ['write', 'module'], 1, -1, 3),
  entry('ts.madd', ['write', 'module'], 1, -1, 3),
  entry('ft.search', ['readonly', 'module'], 0, 0, 0),
  entry('bf.add', ['write', 'module'], 1, 1, 1),
  entry('my.sum', ['readonly', 'module', 'movablekeys'], 0, 0, 0, [keynum]),
])

test.each([
  ['JSON.SET doc $ {"name":"S3CRET"}', '>doc'],
  ['JSON.MGET a b c $.path', 'a b c'],
  ['json.mset a $ 1 b $ 2', '>a >b'],
  ['TS.MADD a 1 2 b 3 4', '>a >b'],
  ['FT.SEARCH index query', ''],
  ['Bf.Add filter item', '>filter'],
  ['MY.SUM WEIGHTS 3 KEYS 2 a b c', 'a b'],
])('%s', (line, expected) => {
  for (const engine of bothEngines(table)) {
    const keys = keysOfLines(engine, table, monitorLine(line.split(' ')))
    expect(keys.map(({ key, write }) => (write ? `>${key}` : key)).join(' ')).toBe(expected)
    expect(engine.counts).toMatchObject({ commands: 1, unknown: 0 })
    engine.close()
  }
})

test('what the table does not list is named once, in lower case, as far as it is a word that can be asked for', () => {
  const names = ['GETX', 'getx', 'GetX', 'OTHER', '', 'two words', 'b\u00ffn', 'x'.repeat(100), 'get']
  for (const engine of bothEngines(table)) {
    keysOfLines(engine, table, names.map((name) => monitorLine([name, 'S3CRET'])).join(''))
    expect([...engine.unknownNames].sort()).toEqual(['getx', 'other'])
    expect(engine.counts).toMatchObject({ lines: 9, commands: 9, unknown: 8 })
    for (let at = 0; at < 100; at++) keysOfLines(engine, table, monitorLine([`name${at}`]))
    expect(engine.unknownNames.length).toBeLessThanOrEqual(16)
    engine.close()
  }
})

test('a name that COMMAND INFO explains is that command from then on', () => {
  const reply = [
    entry('get', ['readonly', 'fast'], 1, 1, 1),
    null,
    entry('new.add', ['write', 'module'], 1, 1, 1),
  ]
  const extended = withCommandNames(table, ['getx', 'nothing', 'new.add'], reply)
  expect(extended.commands).toHaveLength(table.commands.length + 1)
  expect(extended.commands.slice(0, table.commands.length)).toEqual(table.commands)
  for (const engine of bothEngines(extended)) {
    const keysOf = (line: string) => keysOfLines(engine, extended, monitorLine(line.split(' ')))
    expect(keysOf('GETX k')).toEqual([{ key: 'k', db: 0, write: false, command: 'GET' }])
    expect(keysOf('get k')).toEqual([{ key: 'k', db: 0, write: false, command: 'GET' }])
    expect(keysOf('new.add k v')).toEqual([{ key: 'k', db: 0, write: true, command: 'NEW.ADD' }])
    expect(keysOf('json.set k v')).toEqual([{ key: 'k', db: 0, write: true, command: 'JSON.SET' }])
    expect(keysOf('nothing k')).toEqual([])
    engine.close()
  }
})
