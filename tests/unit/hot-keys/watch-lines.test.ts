/** Memcached's watch stream: recorded lines of 1.6.18, cut anywhere, counted once each. */
import { describe, expect, it } from 'vitest'
import { widen } from '../../../collector/memcached/loss.ts'
import { diffStats, parseStats } from '../../../collector/memcached/stats.ts'
import { memcachedCommands, WatchCounter } from '../../../collector/memcached/watch-counter.ts'
import {
  decodeKey,
  parseWatchEvent,
  type WatchEvent,
  WatchLines,
} from '../../../collector/memcached/watch-lines.ts'

const GET = 'ts=1795488204.80760 gid=13 type=item_get key=zz status=not_found clsid=0 cfd=25 size=0'
const STORE =
  'ts=1795488200.876705 gid=3 type=item_store key=k%2500%C3%A9%22 status=stored cmd=set ttl=0 clsid=1 cfd=25 size=3'

function read(chunks: Buffer[]) {
  const events: WatchEvent[] = []
  let skipped = 0
  const lines = new WatchLines({
    onEvent: (event) => events.push(event),
    onSkipped: (count) => {
      skipped += count
    },
  })
  for (const chunk of chunks) lines.feed(chunk)
  return { events, skipped, opening: lines.opening, malformed: lines.malformed }
}

describe('WatchLines', () => {
  it('reads fields, microseconds that are not padded, and encoded keys', () => {
    expect(parseWatchEvent(GET)).toEqual({
      at: 1_795_488_204_080.76,
      gid: 13,
      kind: 'get',
      key: 'zz',
      status: 'not_found',
      connection: 25,
      command: null,
      sizeBytes: 0,
    })
    const store = parseWatchEvent(STORE)
    expect(store).toMatchObject({ kind: 'store', status: 'stored', command: 'set', sizeBytes: 3 })
    expect(decodeKey(store?.key ?? '').toString()).toBe('k%00é"')
    expect(parseWatchEvent('ts=1.2 gid=3 type=item_get key=a status=found')).toMatchObject({
      connection: null,
      sizeBytes: null,
    })
  })

  it.each([
    ['%01%FF', [1, 255]],
    ['100%', [49, 48, 48, 37]],
    ['%zz', [37, 122, 122]],
    ['plain', [...Buffer.from('plain')]],
  ])('decodes %s', (encoded, bytes) => {
    expect([...decodeKey(encoded)]).toEqual(bytes)
  })

  it('reads the same wherever it is cut', () => {
    const stream = Buffer.from(`OK\r\n${GET}\n${STORE}\nskipped=17\n[skipped: 3]\n${GET}\n`)
    const whole = read([stream])
    expect(whole).toMatchObject({ skipped: 20, opening: { kind: 'open' }, malformed: 0 })
    expect(whole.events.map(({ gid }) => gid)).toEqual([13, 3, 13])
    for (let cut = 1; cut < stream.length; cut++) {
      expect(read([stream.subarray(0, cut), stream.subarray(cut)])).toEqual(whole)
    }
    expect(read([...stream].map((byte) => Buffer.from([byte])))).toEqual(whole)
  })

  it('says what was answered instead, and bounds what is no line', () => {
    expect(read([Buffer.from('WATCHER_TOO_MANY log watcher limit reached\r\n')]).opening).toEqual({
      kind: 'refused',
      line: 'WATCHER_TOO_MANY log watcher limit reached',
    })
    const noise = read([
      Buffer.from('OK\r\n'),
      ...Array(100).fill(Buffer.alloc(1_000, 120)),
      Buffer.from(`\n${GET}\n`),
    ])
    expect(noise).toMatchObject({ malformed: 1, events: [{ gid: 13 }] })
    expect(read([Buffer.from('OK\r\nts=1.2 gid=3 type=eviction key=a\nnoise\n')]).malformed).toBe(1)
  })
})

describe('WatchCounter', () => {
  const NOW = 1_000_000
  const event = (
    kind: 'get' | 'store',
    key: string,
    connection: number | null,
    more: Partial<WatchEvent> = {},
  ) => ({
    at: 0,
    gid: 0,
    kind,
    key,
    status: kind === 'get' ? 'found' : 'stored',
    connection,
    command: kind === 'get' ? null : 'set',
    sizeBytes: 3,
    ...more,
  })
  function counts(events: WatchEvent[]) {
    const counter = new WatchCounter(7)
    for (const one of events) counter.add(one, NOW)
    counter.settle(NOW, true)
    const keys = counter.merge(NOW, 10)?.keys ?? []
    return {
      counter,
      uses: Object.fromEntries(
        keys.map(({ key, low, writes, command }) => [
          Buffer.from(key).toString(),
          [low - writes, writes, memcachedCommands[command]?.name],
        ]),
      ),
    }
  }

  it("does not count a store's own look as a read, whatever other connections do between", () => {
    const { uses } = counts([
      event('get', 'a', 1, { status: 'not_found' }),
      event('get', 'b', 2),
      event('store', 'a', 1),
      event('get', 'a', 1),
      event('get', 'a', 1),
      event('store', 'a', 1, { command: 'append' }),
      event('store', 'c', 2),
    ])
    expect(uses).toEqual({ a: [1, 2, expect.any(String)], b: [1, 0, 'GET'], c: [0, 1, 'SET'] })
  })

  it('counts each line where the version names no connection', () => {
    expect(counts([event('get', 'a', null), event('store', 'a', null)]).uses).toEqual({
      a: [1, 1, expect.any(String)],
    })
  })

  it('knows what is missing by what was found, and what is stored by its store', () => {
    const gone = Array.from({ length: 9 }, () =>
      event('get', 'gone', 1, { status: 'not_found', sizeBytes: 0 }),
    )
    const { counter } = counts([...gone, event('get', 'here', 2, { sizeBytes: 55 })])
    expect(counter.facts(Buffer.from('gone'))).toEqual({ sizeBytes: null, isMissing: true, probedAt: NOW })
    expect(counter.facts(Buffer.from('here'))).toEqual({ sizeBytes: 55, isMissing: false, probedAt: NOW })
    expect(counter.facts(Buffer.from('never'))).toBeNull()
  })

  it('holds a bounded number of connections and keys', () => {
    const counter = new WatchCounter(7)
    for (let at = 0; at < 20_000; at++) counter.add(event('get', `k${at}`, at), NOW)
    expect(counter.counted).toBeGreaterThan(15_000)
    counter.settle(NOW + 1_000)
    expect(counter.counted).toBe(20_000)
    expect(counter.facts(Buffer.from('k0'))).toBeNull()
  })
})

describe('stats', () => {
  const lines = (uses: number, dropped: number, pid = 9) => [
    ...[
      `STAT pid ${pid}`,
      'STAT version 1.6.18',
      `STAT cmd_get ${uses}`,
      'STAT cmd_set 10',
      'STAT delete_hits 5',
    ],
    ...[
      `STAT log_worker_dropped ${dropped}`,
      `STAT log_worker_written ${uses - dropped}`,
      'STAT empty',
      'noise',
    ],
  ]
  const reading = (monotonicMs: number, ...of: Parameters<typeof lines>) => ({
    stats: parseStats(lines(...of)),
    monotonicMs,
  })

  it('give the rate of key uses and the part of the lines that was dropped', () => {
    expect(parseStats(lines(100, 0))).toMatchObject({
      version: '1.6.18',
      pid: 9,
      keyUses: 115,
      threads: null,
    })
    expect(diffStats(reading(0, 100, 0), reading(2_000, 300, 20))).toEqual({ opsPerSec: 100, dropped: 0.1 })
  })

  it('say nothing over a restart', () => {
    expect(diffStats(reading(0, 100, 0), reading(1_000, 200, 0, 10))).toBeNull()
    expect(diffStats(reading(0, 100, 0), reading(1_000, 50, 0))).toBeNull()
    expect(diffStats(reading(5, 100, 0), reading(5, 100, 0))).toBeNull()
  })
})

describe('widen', () => {
  const rate = {
    ...{ key: new Uint8Array(1), db: 0, readsPerSec: 100, writesPerSec: 0, topCommand: 'GET' },
    ...{ cpuShare: null, lfuCounter: null },
    ...{ share: 0.1, shareLow: 0.09, shareHigh: 0.11, opsPerSec: 100, opsPerSecLow: 90, opsPerSecHigh: 110 },
  }

  it('leaves an interval alone where nothing was lost', () => {
    expect(widen(rate, 0)).toBe(rate)
  })

  it('holds a key that lost nothing, and one that lost twice the mean', () => {
    const lost = 0.1
    const { shareLow, shareHigh, opsPerSecHigh } = widen(rate, lost)
    // Seen is share × (1 − its loss) ÷ (1 − the mean loss).
    expect(shareLow).toBeCloseTo(rate.shareLow * (1 - lost))
    expect(shareHigh).toBeCloseTo((rate.shareHigh * (1 - lost)) / (1 - 2 * lost))
    expect(opsPerSecHigh).toBeCloseTo(shareHigh * 1_000)
    expect(widen(rate, 0.6).shareHigh).toBe(1)
  })
})
