import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SpaceSaving, type SpaceSavingOptions } from '../../../core/hot-keys/space-saving.ts'

type Use = { key: string; db?: number; command?: number; write?: boolean }

function count(uses: readonly Use[], options: Partial<SpaceSavingOptions> = {}) {
  const sketch = new SpaceSaving({ seed: 12_345, ...options })
  for (const { key, db = 0, command = 0, write = false } of uses) {
    const bytes = Buffer.from(`<${key}>`, 'latin1')
    sketch.add(bytes, 1, bytes.length - 1, db, command, write)
  }
  return sketch
}
const all = (sketch: SpaceSaving) => sketch.top(1e9, 1e9)
const text = (key: Uint8Array) => Buffer.from(key).toString('latin1')

describe('within its size it is exact', () => {
  test('counts, writes, databases, and the command that most uses are of', () => {
    const sketch = count([
      { key: 'a', command: 1 },
      { key: 'a', command: 2, write: true },
      { key: 'a', command: 1 },
      { key: 'a', db: 1 },
      { key: '' },
    ])
    const entries = all(sketch).entries.map(({ key, hash, ...rest }) => ({ key: text(key), ...rest }))
    expect(entries).toHaveLength(3)
    expect(entries[0]).toEqual({ key: 'a', db: 0, count: 3, error: 0, writes: 1, command: 1 })
    expect(entries).toContainEqual({ key: 'a', db: 1, count: 1, error: 0, writes: 0, command: 0 })
    expect(entries).toContainEqual({ key: '', db: 0, count: 1, error: 0, writes: 0, command: 0 })
    expect(all(sketch).absentMax).toBe(0)
  })

  test('what top leaves out is told by absentMax', () => {
    const sketch = count([...'aaabbc'].map((key) => ({ key })))
    expect(sketch.top(1, 1e9)).toMatchObject({ absentMax: 2, entries: [{ count: 3 }] })
    sketch.clear()
    expect(all(sketch)).toEqual({ entries: [], absentMax: 0 })
  })
})

/** The promise of `SketchEntry.count`, against an exact count. */
function expectBounds(uses: readonly Use[], sketch: SpaceSaving) {
  const truth = new Map<string, number>()
  for (const { key, db = 0 } of uses) truth.set(`${db} ${key}`, (truth.get(`${db} ${key}`) ?? 0) + 1)
  const { entries, absentMax } = all(sketch)
  for (const entry of entries) {
    const id = `${entry.db} ${text(entry.key)}`
    const uses = truth.get(id) ?? 0
    expect(uses).toBeLessThanOrEqual(entry.count)
    expect(uses).toBeGreaterThanOrEqual(entry.count - entry.error)
    expect(entry.writes).toBeLessThanOrEqual(uses)
    truth.delete(id)
  }
  for (const missing of truth.values()) expect(missing).toBeLessThanOrEqual(absentMax)
}

test('the truth is always within [count − error, count], and absent keys within absentMax', () => {
  const use = fc.record({
    key: fc.oneof(
      fc.constantFrom('hot', 'warm', ''),
      fc.nat(40).map((at) => `k${at}`),
      fc.nat(3).map((at) => 'x'.repeat(at * 300)),
    ),
    db: fc.nat(1),
    command: fc.nat(2),
    write: fc.boolean(),
  })
  const size = fc.record({
    sets: fc.constantFrom(1, 2, 8),
    cells: fc.constantFrom(1, 4, 64),
    blocks: fc.constantFrom(1, 6, 20, 1_000),
    seed: fc.integer(),
  })
  fc.assert(
    fc.property(fc.array(use, { maxLength: 400 }), size, (uses, options) => {
      expectBounds(uses, count(uses, options))
    }),
    { numRuns: 1_000 },
  )
})

test('a Zipf law over many more keys than counters: the top is right, and the bounds hold', () => {
  let state = 42
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
  const weights = Array.from({ length: 20_000 }, (_, rank) => 1 / (rank + 1))
  const sums: number[] = []
  weights.reduce((sum, weight, at) => (sums[at] = sum + weight), 0)
  const draw = () => {
    const target = random() * (sums.at(-1) as number)
    let low = 0
    for (let high = sums.length - 1; low < high; ) {
      const middle = (low + high) >> 1
      if ((sums[middle] as number) < target) low = middle + 1
      else high = middle
    }
    return low
  }
  const uses = Array.from({ length: 100_000 }, () => ({ key: `article:${draw()}` }))
  const sketch = count(uses)
  expectBounds(uses, sketch)
  const top = sketch.top(20, 1e9).entries.map(({ key }) => Number(text(key).slice(8)))
  expect(top.slice(0, 5)).toEqual([0, 1, 2, 3, 4])
  expect(sketch.top(50, 1e9).entries.every(({ error, count }) => error <= count * 0.02)).toBe(true)
})

test('kept keys are copies, also of a Buffer', () => {
  const sketch = new SpaceSaving({ seed: 1 })
  const bytes = Buffer.from('key')
  sketch.add(bytes, 0, 3, 0, 0, false)
  bytes.fill(0)
  expect(text(sketch.top(1, 1e9).entries[0]?.key ?? new Uint8Array())).toBe('key')
})

test('long keys cost counters, not memory', () => {
  const long = Array.from({ length: 200 }, (_, at) => ({ key: `${at}:${'x'.repeat(10_000)}` }))
  const uses = [...long, ...Array.from({ length: 50 }, () => ({ key: 'hot' }))]
  const sketch = count(uses)
  const { entries } = all(sketch)
  expect(entries.reduce((sum, { key }) => sum + key.length, 0)).toBeLessThanOrEqual(1_536 * 60 + 200 * 40)
  expectBounds(uses, sketch)
  expect(text(entries[0]?.key ?? new Uint8Array())).toBe('hot')
})
