import { expect, test } from 'vitest'
import { CommandTables } from '../../../collector/command-tables.ts'

const command = (name: string, first = 1) => [
  Buffer.from(name),
  2,
  [Buffer.from('readonly')],
  first,
  first,
  1,
]

test('servers that list the same commands in another order share one table', () => {
  const tables = new CommandTables()
  const one = tables.parse([command('get'), command('ttl')])
  expect(tables.parse([command('ttl'), command('get')])).toBe(one)
})

test('a command that keeps its keys elsewhere makes another table', () => {
  const tables = new CommandTables()
  const one = tables.parse([command('get')])
  expect(tables.parse([command('get', 2)])).not.toBe(one)
  expect(tables.parse([command('get'), command('ttl')])).not.toBe(one)
})

test('what is not a reply of COMMAND is an error, every time', () => {
  const tables = new CommandTables()
  for (const reply of ['OK', [], null]) {
    expect(() => tables.parse(reply)).toThrow('COMMAND did not answer')
    expect(() => tables.parse(reply)).toThrow('COMMAND did not answer')
  }
})
