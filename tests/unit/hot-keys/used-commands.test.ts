import { describe, expect, test } from 'vitest'
import { parseCommandTable } from '../../../core/hot-keys/command-keys.ts'
import { hotKeyRates } from '../../../core/hot-keys/report.ts'
import { SpaceSaving } from '../../../core/hot-keys/space-saving.ts'
import { UsedCommands } from '../../../core/hot-keys/used-commands.ts'
import { type MergedKey, SlidingWindow } from '../../../core/hot-keys/window.ts'

const NAMES = ['get', 'incr', 'set', 'ttl', 'strlen', 'exists', 'expire', 'getrange', 'append', 'object']
const { commands } = parseCommandTable(
  NAMES.map((name) => [
    name,
    2,
    [['incr', 'set', 'expire', 'append'].includes(name) ? 'write' : 'readonly'],
    1,
    1,
    1,
  ]),
)
const idOf = (name: string) => NAMES.indexOf(name)
const FROM = 1_700_000_000_000

type Use = { key: string; command: string; db?: number }

/** The uses over and over, in ten seconds. */
function windowOf(uses: readonly Use[], count: number): SlidingWindow {
  const window = new SlidingWindow(new SpaceSaving({ seed: 7 }))
  for (let at = 0; at < count; at++) {
    const { key, command, db = 0 } = uses[at % uses.length] as Use
    const bytes = Buffer.from(key)
    window.advance(FROM + Math.floor((at / count) * 10_000))
    window.countCommand()
    window.countKey(bytes, 0, bytes.length, db, idOf(command), commands[idOf(command)]?.write ?? false)
  }
  return window
}
function reportOf(uses: readonly Use[], count = 20_000) {
  const merged = windowOf(uses, count).merge(FROM + 9_999, 60)
  if (merged === null) throw new Error('The window has commands.')
  const used = new UsedCommands(merged, commands)
  const name = ({ key, db }: { key: Uint8Array; db: number }) =>
    `${Buffer.from(key)}${db === 0 ? '' : ` of ${db}`}`
  return new Map(
    hotKeyRates(merged, commands, 1_000).map((rate) => [name(rate), { ...rate, commands: used.of(rate) }]),
  )
}
const times = (count: number, use: Use): Use[] => Array.from({ length: count }, () => use)

describe('the commands of a reported key', () => {
  test('a counter that is read nineteen times of twenty has both, the reads first', () => {
    const views = reportOf([
      ...times(19, { key: 'views', command: 'get' }),
      { key: 'views', command: 'incr' },
    ]).get('views')
    expect(views).toMatchObject({ topCommand: 'GET', commands: ['GET', 'INCR'] })
    expect(views?.writesPerSec).toBeCloseTo(50, 0)
  })

  test('each key has its own, in each database', () => {
    const rates = reportOf([
      ...times(9, { key: 'a', command: 'get' }),
      { key: 'a', command: 'set' },
      ...times(9, { key: 'ab', command: 'ttl' }),
      { key: 'ab', command: 'append' },
      ...times(10, { key: 'a', command: 'strlen', db: 3 }),
    ])
    expect(Object.fromEntries([...rates].map(([key, rate]) => [key, rate.commands]))).toEqual({
      a: ['GET', 'SET'],
      'a of 3': ['STRLEN'],
      ab: ['TTL', 'APPEND'],
    })
  })

  test('one that was used by one command in a second and by another in the next has both', () => {
    const rates = reportOf([
      ...times(10_000, { key: 'k', command: 'get' }),
      ...times(10_000, { key: 'k', command: 'set' }),
    ])
    expect(rates.get('k')?.commands.toSorted()).toEqual(['GET', 'SET'])
  })

  test('of a long key only the most frequent ones: another may begin alike', () => {
    const long = 'x'.repeat(64)
    const rates = reportOf([
      ...times(19, { key: `${long}1`, command: 'get' }),
      { key: `${long}1`, command: 'expire' },
      ...times(19, { key: `${long}2`, command: 'incr' }),
    ])
    expect(rates.get(`${long}1`)?.commands).toEqual(['GET'])
    expect(rates.get(`${long}2`)?.commands).toEqual(['INCR'])
  })

  const ofKey = (command: number): MergedKey => ({
    ...{ key: Buffer.from('k'), db: 0, slices: [], low: 9, writes: 0 },
    ...{ command, commands: [command] },
  })

  test('at most eight, the most frequent one always among them', () => {
    const use = { key: Buffer.from('k'), db: 0, write: false, slice: 0 }
    const sample = NAMES.map((_, command) => ({ ...use, command, weight: 10 - command }))
    const of = (key: MergedKey) => new UsedCommands({ keys: [key], sample }, commands).of(key)
    const first = ['GET', 'INCR', 'SET', 'TTL', 'STRLEN', 'EXISTS', 'EXPIRE']
    expect(of(ofKey(idOf('object')))).toEqual([...first, 'OBJECT'])
    expect(of(ofKey(idOf('get')))).toEqual([...first, 'GETRANGE'])
  })

  test('the sample is read when they are asked for, and once', () => {
    const key = ofKey(idOf('get'))
    let asked = 0
    const merged = {
      keys: [key],
      get sample() {
        asked++
        return []
      },
    }
    const used = new UsedCommands(merged, commands)
    expect(asked).toBe(0)
    expect([used.of(key), used.of(key)]).toEqual([['GET'], ['GET']])
    expect(asked).toBe(1)
  })

  test('a command that the table does not have is left out, and a key that is not of the window has none', () => {
    const key = ofKey(99)
    expect(new UsedCommands({ keys: [key], sample: [] }, commands).of(key)).toEqual([])
    expect(new UsedCommands({ keys: [], sample: [] }, commands).of(key)).toEqual([])
  })
})
