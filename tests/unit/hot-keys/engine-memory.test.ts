import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { MAX_LINE_KEY_BYTES } from '../../../collector/monitor/parser.ts'
import { ARENA_PAGES, LAYOUT } from '../../../collector/monitor/wasm/layout.ts'
import { SpaceSaving } from '../../../core/hot-keys/space-saving.ts'
import { SlidingWindow } from '../../../core/hot-keys/window.ts'
import { createEngine, ENGINE_SESSION } from '../../support/engine-commands.ts'
import { monitorLine } from '../../support/monitor-lines.ts'

const NOW = 1_700_000_000_000
const MIB = 2 ** 20
const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')

test('both sides of the module agree on where things lie', () => {
  const source = read('collector/monitor/wasm/assembly/layout.ts')
  const declared = Object.fromEntries(
    [...source.matchAll(/^export const (\w+): \w+ = (\w+)$/gm)].map(([, name, value]) => [
      name,
      Number(value),
    ]),
  )
  expect(declared).toMatchObject(LAYOUT)
  expect(read('bin/setup/wasm.mjs')).toContain(`MEMORY_PAGES = '${ARENA_PAGES}'`)
})

test.each([1_000, 10_000, 16_384, 20_480, 64_000, MAX_LINE_KEY_BYTES])(
  'a node takes at most 1 MiB: its part of the arena and nine past seconds, the hottest key %i bytes long',
  (longest) => {
    const window = new SlidingWindow(new SpaceSaving({ seed: 1 }))
    for (let second = 0; second < 10; second++) {
      window.advance(NOW + second * 1_000)
      const hottest = Buffer.alloc(longest, `${second}`)
      window.countCommand()
      for (let use = 0; use < 50; use++) window.countKey(hottest, 0, longest, 0, 0, false)
      for (let at = 0; at < 2_000; at++) {
        const key = Buffer.from(`${second}:${at}:`.padEnd(at % 9 === 0 ? 1_000 : 50 + (at % 20), 'x'))
        window.countCommand()
        window.countKey(key, 0, key.length, 0, at, false)
      }
    }
    expect(window.sizeBytes).toBeGreaterThan(300 * 1024)
    expect(LAYOUT.NODE_SIZE + window.sizeBytes).toBeLessThanOrEqual(MIB)
  },
)

test('a fleet of two hundred nodes shares a few arenas, and gives them back', () => {
  const before = process.memoryUsage().arrayBuffers
  for (let round = 0; round < 3; round++) {
    const engines = Array.from({ length: 200 }, (_, seed) => createEngine('wasm', seed))
    for (const [index, engine] of engines.entries()) {
      engine.begin(ENGINE_SESSION)
      engine.feed(Buffer.from(monitorLine(['GET', `key:${index}`])), NOW)
    }
    for (const [index, engine] of engines.entries()) {
      const keys = engine.merge(NOW, 10)?.keys.map(({ key }) => Buffer.from(key).toString())
      expect(keys).toEqual([`key:${index}`])
    }
    for (const engine of engines) engine.close()
  }
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(200 * MIB)
})
