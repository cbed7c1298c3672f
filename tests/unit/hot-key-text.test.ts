import { expect, test } from 'vitest'
import { commandText, figureText, isGlobOfItself, readShare, SOURCES } from '../../app/_lib/hot-key-text.ts'
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

test.each([
  ['a rate of a source that does not tell reads', [{ opsPerSec: 900, readsPerSec: null }], null],
  [
    'one node of two tells them',
    [
      { opsPerSec: 900, readsPerSec: 900 },
      { opsPerSec: 100, readsPerSec: null },
    ],
    null,
  ],
  [
    'a node without a rate beside one that has it',
    [
      { opsPerSec: 100, readsPerSec: 75 },
      { opsPerSec: null, readsPerSec: null },
    ],
    0.75,
  ],
  ['only writes', [{ opsPerSec: 100, readsPerSec: 0 }], 0],
  ['no rates', [{ opsPerSec: null, readsPerSec: null }], null],
])('the share of reads of %s', (_, rows, share) => {
  expect(readShare(rows)).toBe(share)
})

test.each([
  ['article:*', true],
  ['', false],
  ['what?', false],
  ['\\xff:*', false],
])('the pattern %j finds its own keys as a glob: %j', (pattern, finds) => {
  expect(isGlobOfItself(pattern)).toBe(finds)
})
