import { expect, test } from 'vitest'
import { commandText, figureText, SOURCES } from '../../app/_lib/hot-key-text.ts'
import { Source } from '../../core/model.ts'

test.each<[string | null, string | null]>([
  ['GET', 'GET'],
  ['xinfo stream', 'XINFO STREAM'],
  ['EVALSHA', 'Lua · EVALSHA'],
  ['fcall_ro', 'Lua · FCALL_RO'],
  [null, null],
])('the command %j is shown as %j', (command, shown) => {
  expect(commandText(command)).toBe(shown)
})

test.each([
  [{ cpuShare: 0.12, lfuCounter: null, rank: 3 }, '12% of command time'],
  [{ cpuShare: null, lfuCounter: 200, rank: 3 }, 'counter 200 of 255'],
  [{ cpuShare: null, lfuCounter: 0, rank: 3 }, 'counter 0 of 255'],
  [{ cpuShare: null, lfuCounter: null, rank: 3 }, 'rank 3'],
])('a row without a rate shows what it has: %j', (row, shown) => {
  expect(figureText(row)).toBe(shown)
})

test('every source says what it tells', () => {
  expect(Object.keys(SOURCES).toSorted()).toEqual([...Source.options].toSorted())
})
