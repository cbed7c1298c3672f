import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Backlog } from '../../../collector/backlog.ts'
import { systemClock } from '../../../collector/clock.ts'
import type { Logger } from '../../../collector/logger.ts'
import { decodeItem, emptyTickParts, encodeItem, type Item, mergeTicks } from '../../../collector/tick.ts'
import { type SaveTarget, Writer } from '../../../collector/writer.ts'
import { CachescopeError } from '../../../core/errors.ts'
import type { HotKeySample, Tick } from '../../../core/sample.ts'

const hotKey = (key: Uint8Array): HotKeySample => ({
  cacheId: 'shop',
  address: 'a:1',
  at: 1,
  windowFrom: 0,
  sampledCommands: 9,
  db: 0,
  key,
  share: 0.5,
  shareLow: 0.4,
  shareHigh: 0.6,
  opsPerSec: 1,
  opsPerSecLow: 1,
  opsPerSecHigh: 1,
  readsPerSec: 1,
  writesPerSec: 0,
  topCommand: 'GET',
  commands: ['GET'],
  cpuShare: null,
  lfuCounter: null,
  sizeBytes: null,
  isMissing: null,
  probedAt: null,
  source: 'monitor',
  rank: 1,
})
/** Random bytes, so that it takes room when deflated. */
const tick = (at: number, bytes = 8): Tick => ({
  at,
  ...emptyTickParts(),
  hotKeys: [{ ...hotKey(crypto.getRandomValues(new Uint8Array(bytes))), at }],
})
const item = (at: number, bytes?: number): Item => ({ kind: 'tick', tick: tick(at, bytes) })
const topology = (cacheId: string, at: number): Item => ({
  kind: 'topology',
  topology: { cacheId, at, shards: [] },
})
const times = (items: Item[]) => items.map((one) => (one.kind === 'tick' ? one.tick.at : -one.topology.at))

describe('ticks as bytes', () => {
  it('come back as they were, keys byte for byte', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (key) => {
        const original: Item = { kind: 'tick', tick: { ...tick(1), hotKeys: [hotKey(Uint8Array.from(key))] } }
        expect(decodeItem(encodeItem(original))).toEqual(original)
      }),
    )
  })

  it('keep a key that is a Buffer', () => {
    const decoded = decodeItem(
      encodeItem({ kind: 'tick', tick: { ...tick(1), hotKeys: [hotKey(Buffer.from([0, 255]))] } }),
    )
    expect(decoded.kind === 'tick' && decoded.tick.hotKeys[0]?.key).toEqual(Uint8Array.of(0, 255))
  })

  it('merge in order, with the last INFO of a node', () => {
    const info = (at: number) => ({ cacheId: 'shop', address: 'a:1', at, info: String(at) })
    const merged = mergeTicks(2, [
      { ...tick(1), infos: [info(1)] },
      { ...tick(2), infos: [info(2)] },
    ])
    expect(merged.hotKeys.map((one) => one.at)).toEqual([1, 2])
    expect(merged.infos).toEqual([info(2)])
  })
})

describe('Backlog', () => {
  it('stays within its bound and drops the oldest ticks first', () => {
    const backlog = new Backlog(20_000)
    for (let at = 1; at <= 100; at++) {
      backlog.push(item(at, 500))
      expect(backlog.bytes).toBeLessThanOrEqual(20_000)
    }
    const left = times(backlog.take(1_000))
    expect(left.at(-1)).toBe(100)
    expect(left).toEqual(left.toSorted((a, b) => a - b))
    expect(backlog.dropped).toBe(100 - left.length)
    expect(backlog.bytes).toBe(0)
  })

  it('never drops a topology for a tick, and keeps its place among them', () => {
    const backlog = new Backlog(5_000)
    backlog.push(topology('shop', 1))
    for (let at = 2; at <= 50; at++) backlog.push(item(at, 500))
    backlog.push(topology('shop', 51))
    backlog.push(item(52, 500))
    const left = times(backlog.take(1_000))
    expect(left[0]).toBe(-1)
    expect(left.slice(-2)).toEqual([-51, 52])
  })

  it('forgets a topology that the next one follows at once', () => {
    const backlog = new Backlog()
    for (const at of [1, 2, 3]) backlog.push(topology('shop', at))
    backlog.push(topology('other', 4))
    expect(times(backlog.take(10))).toEqual([-3, -4])
  })

  it('takes back in front what could not be saved', () => {
    const backlog = new Backlog()
    for (const at of [1, 2, 3]) backlog.push(item(at))
    const taken = backlog.take(2)
    backlog.push(item(4))
    backlog.restore(taken)
    expect(times(backlog.take(10))).toEqual([1, 2, 3, 4])
  })
})

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} }
const away = () => new CachescopeError('store-unreachable', 'PostgreSQL does not answer.')

function writerTo(target: Partial<SaveTarget>, backlog = new Backlog()) {
  const writer = new Writer({
    target: { saveTick: async () => {}, saveTopology: async () => {}, ...target },
    backlog,
    status: () => ({ collectorId: 'c', host: 'h', pid: 1, version: '0', startedAt: 0, at: 0, nodes: 0 }),
    onSaved: () => {},
    clock: systemClock,
    logger: silent,
    retryMs: 5,
  })
  writer.start()
  return writer
}
const rows = (one: Tick) => one.hotKeys.map((row) => row.at)

describe('Writer', () => {
  it('saves in order, without a backlog while the store keeps up', async () => {
    const saved: number[] = []
    const writer = writerTo({
      saveTick: async (one) => void saved.push(...rows(one)),
      saveTopology: async (one) => void saved.push(-one.at),
    })
    for (const one of [item(1), topology('shop', 2), item(3)]) writer.push(one)
    expect(await writer.stop(1_000)).toBe(0)
    expect(saved).toEqual([1, -2, 3])
    expect(writer.isAway).toBe(false)
  })

  it('keeps all while Postgres is away, and writes it in order when it is back', async () => {
    const saved: number[] = []
    let isDown = true
    const writer = writerTo({
      saveTick: async (one) => {
        if (isDown) throw away()
        saved.push(...rows(one))
      },
      saveTopology: async (one) => {
        if (isDown) throw away()
        saved.push(-one.at)
      },
    })
    for (let at = 1; at <= 200; at++) {
      writer.push(at === 100 ? topology('shop', at) : item(at))
      if (at % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    }
    expect(writer.isAway).toBe(true)
    expect(writer.bufferedTicks).toBe(199)
    isDown = false
    expect(await writer.stop(3_000)).toBe(0)
    expect(saved).toEqual(Array.from({ length: 200 }, (_, index) => (index === 99 ? -100 : index + 1)))
    expect(writer.droppedTicks).toBe(0)
    expect(writer.isAway).toBe(false)
  })

  it('gives up only the tick that the store refuses', async () => {
    const saved: number[] = []
    const writer = writerTo({
      saveTick: async (one) => {
        if (rows(one).includes(7)) throw new Error('invalid input syntax')
        saved.push(...rows(one))
      },
    })
    for (let at = 1; at <= 20; at++) writer.push(item(at))
    expect(await writer.stop(3_000)).toBe(0)
    expect(saved).toEqual(Array.from({ length: 20 }, (_, index) => index + 1).filter((at) => at !== 7))
    expect(writer.droppedTicks).toBe(1)
  })

  it('stops in time though Postgres never answers', async () => {
    const writer = writerTo({ saveTick: () => new Promise(() => {}) })
    writer.push(item(1))
    const started = performance.now()
    expect(await writer.stop(100)).toBe(1)
    expect(performance.now() - started).toBeLessThan(10_000)
  })

  it('tells the store how many wait', async () => {
    const seen: number[] = []
    const writer = writerTo({ saveTick: async (_, status) => void seen.push(status.bufferedTicks) })
    for (let at = 1; at <= 3; at++) writer.push(item(at))
    await writer.stop(1_000)
    expect(seen).toEqual([2, 1, 0])
  })
})
