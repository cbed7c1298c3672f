/** CLUSTER SLOT-STATS, played by a scripted server in the shape of its documentation (Valkey 8, Redis 8.2). */
import { afterEach, describe, expect, it } from 'vitest'
import { SlotLedger } from '../../../collector/hot-keys/slot-ledger.ts'
import { commandTimeUs, parseSlotStats } from '../../../collector/hot-keys/slot-stats-source.ts'
import { watchLadder } from '../../support/ladder.ts'
import { until } from '../../support/redis.ts'
import { type Reply, startScriptedRedis } from '../../support/scripted-redis.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

const text = (key: Uint8Array | undefined) => Buffer.from(key ?? []).toString()
const slot = (number: number, us: number): Reply => [
  number,
  ['key-count', 2, 'cpu-usec', us, 'network-bytes-in', 10, 'network-bytes-out', 20],
]

describe('slot statistics', () => {
  it('are read as arrays and as maps', () => {
    const maps = [[7, new Map([['cpu-usec', 91]])]]
    expect([...parseSlotStats([slot(3, 40), slot(5, 30)])]).toEqual([
      [3, 40],
      [5, 30],
    ])
    expect([...parseSlotStats(maps)]).toEqual([[7, 91]])
    expect(() => parseSlotStats('OK')).toThrow(/did not answer with a list/)
  })

  it('give shares of what was spent since the reading before, whenever that was', () => {
    const ledger = new SlotLedger()
    const first: [number, number][] = [
      [1, 1_000],
      [2, 500],
      [4, 900],
    ]
    expect(ledger.note(new Map(first), 10_000, 0)).toEqual([])
    expect(ledger.hasCompared).toBe(false)
    const second: [number, number][] = [
      [1, 4_000],
      [3, 9_000],
      [4, 100],
    ]
    expect(ledger.note(new Map(second), 20_000, 5_000)).toEqual([
      { slot: 1, cpuShare: 0.3, from: 0, to: 5_000 },
    ])
    const third: [number, number][] = [
      [2, 5_500],
      [3, 11_000],
    ]
    expect(ledger.note(new Map(third), 30_000, 10_000)).toEqual([
      { slot: 2, cpuShare: 0.25, from: 0, to: 10_000 },
      { slot: 3, cpuShare: 0.2, from: 5_000, to: 10_000 },
    ])
    expect(ledger.note(new Map(third), 30_000, 15_000)).toEqual([])
  })

  it('are of all commands', () => {
    const info =
      'cmdstat_get:calls=2,usec=30,usec_per_call=15.00\r\ncmdstat_config|get:calls=1,usec=12,usec_per_call=12\r\n'
    expect(commandTimeUs(info)).toBe(42)
  })
})

const longHot = (reads: number) =>
  new Map([
    [100, reads * 60_000],
    [200, reads * 20_000],
    [300, reads * 10],
  ])
/** A hundred slots with weeks behind them, and one that has become hot today. */
const newlyHot = (reads: number) =>
  new Map([
    ...Array.from({ length: 100 }, (_, at): [number, number] => [at, 9_000_000_000]),
    [400, reads * 60_000],
  ])

/** @param policy `maxmemory-policy` of the node */
async function play(
  policy: string,
  keys: Record<number, string[]>,
  enabled = true,
  totals: (reads: number) => Map<number, number> = longHot,
) {
  let reads = 0
  const server = await startScriptedRedis((words): Reply => {
    const [name = '', sub = '', ...rest] = words
    if (name === 'INFO' && sub === 'commandstats') {
      return `cmdstat_get:calls=9,usec=${reads * 100_000},usec_per_call=1\r\n`
    }
    if (name === 'INFO') {
      return `redis_version:8.2.0\r\nrun_id:a\r\nrole:master\r\ncluster_enabled:1\r\nmaxmemory_policy:${policy}\r\n`
    }
    if (name === 'CLIENT') return 'OK'
    if (name === 'OBJECT') return rest[0] === 'hot' ? 200 : rest[0] === 'cachescope:probe' ? null : 7
    if (name === 'SCAN') return ['0', []]
    if (name !== 'CLUSTER') return new Error(`ERR unknown command '${name}', with args beginning with: `)
    if (sub === 'SLOT-STATS') {
      if (!enabled) return new Error('ERR unrecognized sort metric for ORDERBY.')
      const [selection, first, last] = [rest[0], Number(rest[1]), Number(rest[2])]
      const all = [...totals(reads)].map(([number, us]) => ({ number, us }))
      if (selection === 'SLOTSRANGE') {
        return all
          .filter(({ number }) => number >= first && number <= last)
          .map((one) => slot(one.number, one.us))
      }
      reads++
      const highest = [...totals(reads)].sort(([, one], [, other]) => other - one)
      return highest.slice(0, Number(rest[3])).map(([number, us]) => slot(number, us))
    }
    const held = keys[Number(rest[0])] ?? []
    return sub === 'COUNTKEYSINSLOT' ? held.length : held
  })
  ends.push(server.close)
  const watching = await watchLadder({ host: '127.0.0.1', port: server.port })
  ends.push(watching.stop)
  watching.ladder.start()
  return watching
}

describe('SLOT-STATS as a source', () => {
  it('names the keys of a hot slot that has few, with the share of the slot', {
    timeout: 20_000,
  }, async () => {
    const many = Array.from({ length: 50 }, (_, at) => `other ${at}`)
    const { ladder } = await play('noeviction', { 100: ['hot'], 200: many })
    const report = await until('a report', () => ladder.report(Date.now()))
    expect(report.source).toBe('slot-stats')
    expect(report.keys.map(({ key, cpuShare }) => [text(key), cpuShare])).toEqual([['hot', 0.6]])
    expect(report.keys[0]).toMatchObject({ share: null, opsPerSec: null, lfuCounter: null })
  })

  it('tells the hottest of many keys by their counters', { timeout: 20_000 }, async () => {
    const many = Array.from({ length: 50 }, (_, at) => `other ${at}`)
    const { ladder } = await play('allkeys-lfu', { 100: [...many, 'hot'] })
    const report = await until('a report', () => {
      const now = ladder.report(Date.now())
      return now?.source === 'slot-stats' ? now : null
    })
    expect(report.keys.map(({ key, cpuShare, lfuCounter }) => [text(key), cpuShare, lfuCounter])).toEqual([
      ['hot', 0.6, 200],
    ])
    expect(ladder.cost.hits).toBeGreaterThanOrEqual(51)
  })

  it('finds a slot that becomes hot on a server whose other totals are far higher', {
    timeout: 30_000,
  }, async () => {
    const { ladder } = await play('noeviction', { 400: ['hot'] }, true, newlyHot)
    const report = await until('the key', () => {
      const now = ladder.report(Date.now())
      return now?.keys.length ? now : null
    })
    expect(report.keys.map(({ key, cpuShare }) => [text(key), cpuShare])).toEqual([['hot', 0.6]])
  })

  it('says which setting it lacks', async () => {
    const { rung } = await play('noeviction', {}, false)
    const reason = await until('the reason', () => rung('slot-stats')?.reason)
    expect(reason).toMatch(/CONFIG SET cluster-slot-stats-enabled yes lifts this/)
    expect(rung('slot-stats')?.state).toBe('refused')
  })
})
