/** The two grammars of HOTKEYS, in every shape in which a driver may give them. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseHotkeysReply } from '../../../collector/hot-keys/engine-hotkeys-replies.ts'

const fixture = (name: string): unknown[] =>
  JSON.parse(readFileSync(new URL(`../../fixtures/hotkeys/${name}.json`, import.meta.url), 'utf8'))
/** As `callBuffer` has it. */
const asBuffers = (value: unknown): unknown =>
  Array.isArray(value) ? value.map(asBuffers) : typeof value === 'string' ? Buffer.from(value) : value
const asMap = (flat: unknown[]): Map<unknown, unknown> =>
  new Map(Array.from({ length: flat.length / 2 }, (_, at) => [flat[at * 2], flat[at * 2 + 1]]))
const text = (key: Uint8Array) => Buffer.from(key).toString()

const redis = fixture('redis-8.6-resp2')
const valkey = fixture('valkey-9.2-resp2')

describe('parseHotkeysReply', () => {
  const shapes: [string, unknown][] = [
    ['names and values in turn', redis],
    ['the same as bytes', asBuffers(redis)],
    ['a map', asMap(redis)],
    ['a map in an array of one', [asMap(redis)]],
    ['an array in an array of one', [asBuffers(redis)]],
    [
      'a map with a map in it',
      asMap([
        ...redis.slice(0, -1),
        new Map([
          ['x', 104],
          ['y', 98],
          ['z', 18],
        ]),
      ]),
    ],
    [
      'pairs',
      [
        asMap([
          ...redis.slice(0, -1),
          [
            ['x', 104],
            ['y', 98],
            ['z', 18],
          ],
        ]),
      ],
    ],
  ]
  it.each(shapes)("reads Redis' session as %s", (_, reply) => {
    const parsed = parseHotkeysReply(reply)
    if (parsed?.kind !== 'redis') throw new Error(`it is ${parsed?.kind}`)
    const { byCpuTime, ...session } = parsed.session
    expect(session).toEqual({
      isActive: false,
      sampleRatio: 1,
      startedAt: 1_769_420_604_522,
      durationMs: 7_001,
      countsBytes: false,
      allCommandsUs: 220,
    })
    expect(byCpuTime.map(({ key, us }) => [text(key), us])).toEqual([
      ['x', 104],
      ['y', 98],
      ['z', 18],
    ])
  })

  it.each([
    ['arrays', valkey],
    ['bytes', asBuffers(valkey)],
    ['maps', valkey.map((entry) => asMap(entry as unknown[]))],
  ])("reads Valkey's keys as %s", (_, reply) => {
    const parsed = parseHotkeysReply(reply)
    if (parsed?.kind !== 'valkey') throw new Error(`it is ${parsed?.kind}`)
    expect(parsed.keys.map(({ key, ...rest }) => ({ key: text(key), ...rest }))).toEqual([
      { key: 'product:8fd21a', db: 0, opsPerSec: 48_200 },
      { key: 'session:1', db: 3, opsPerSec: 1_200 },
    ])
  })

  it('reads one key of Valkey, and none', () => {
    const parsed = parseHotkeysReply(asBuffers(valkey.slice(0, 1)))
    expect(parsed?.kind === 'valkey' && parsed.keys.length).toBe(1)
    expect(parseHotkeysReply([])).toEqual({ kind: 'valkey', keys: [] })
    expect(parseHotkeysReply(null)).toEqual({ kind: 'none' })
  })

  it('keeps keys of any bytes', () => {
    const key = Buffer.from([0, 255, 34, 10])
    const parsed = parseHotkeysReply([[Buffer.from('key'), key, Buffer.from('db'), 0, Buffer.from('qps'), 7]])
    expect(parsed?.kind === 'valkey' && [...(parsed.keys[0]?.key ?? [])]).toEqual([...key])
  })

  it.each([['OK'], [7], [['a', 'b', 'c']], [[['key', 'k']]], [{}]])('refuses %j', (reply) => {
    expect(parseHotkeysReply(reply)).toBeNull()
  })
})
