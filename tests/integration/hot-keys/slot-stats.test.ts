/** CLUSTER SLOT-STATS of a real Redis 8 and Valkey 9; and of a scripted server, what takes a real one weeks. */
import { describe, expect, it } from 'vitest'
import { SlotLedger } from '../../../collector/hot-keys/slot-ledger.ts'
import { commandTimeUs, parseSlotStats } from '../../../collector/hot-keys/slot-stats-source.ts'
import { watchLadder } from '../../support/ladder.ts'
import { type RedisProcess, startRedisCluster, until } from '../../support/redis.ts'
import { type Reply, type ScriptedRedis, startScriptedRedis } from '../../support/scripted-redis.ts'
import { startTraffic } from '../../support/traffic.ts'

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
    const info = [
      'cmdstat_get:calls=2,usec=30,usec_per_call=15.00',
      'cmdstat_config|get:calls=1,usec=12,usec_per_call=12',
      // The time of the commands in it, once more.
      'cmdstat_exec:calls=1,usec=30,usec_per_call=30',
    ]
    expect(commandTimeUs(info.join('\r\n'))).toBe(42)
  })
})

/** One node of a cluster that serves all slots, without the right to MONITOR and HOTKEYS, and with traffic. */
async function loaded(
  engine: 'redis' | 'valkey',
  onEnd: (end: () => Promise<void>) => void,
  settings: Record<string, string>,
  others: (at: number) => string,
) {
  const cluster = await startRedisCluster({ engine, primaries: 1, replicasPerPrimary: 0, settings })
  onEnd(cluster.stop)
  const node = cluster.primaries[0] as RedisProcess
  const names = Array.from({ length: 50 }, (_, at) => others(at))
  for (const name of ['{tag}hot', ...names]) await node.command('SET', name, 'v')
  let sent = 0
  const traffic = await startTraffic(node.port, 5_000, () => {
    sent++
    return ['GET', sent % 10 < 7 ? '{tag}hot' : (names[sent % names.length] as string)]
  })
  onEnd(() => traffic.stop())
  const denied = ['-monitor', ...(engine === 'redis' ? ['-hotkeys'] : [])]
  await node.command('ACL', 'SETUSER', 'watcher', 'on', '>secret', '~*', '+@all', ...denied)
  const start = async () => {
    const watching = await watchLadder(node, {}, { username: 'watcher', password: 'secret' })
    onEnd(watching.stop)
    watching.ladder.start()
    return watching
  }
  return { node, start }
}

describe.concurrent('SLOT-STATS as a source', () => {
  it.for([
    ['redis', {}, (at: number) => `other ${at}`],
    ['valkey', { maxmemory: '100mb', 'maxmemory-policy': 'allkeys-lfu' }, (at: number) => `{tag}${at}`],
  ] as const)(
    '%s: says which setting it lacks; once it has it, names the key of a hot slot',
    async ([engine, settings, others], { onTestFinished }) => {
      const { node, start } = await loaded(engine, onTestFinished, settings, others)
      const before = await start()
      const reason = await until('the reason', () => before.rung('slot-stats')?.reason)
      expect(before.rung('slot-stats')?.state).toBe('refused')
      await before.stop()
      const [, ...remedy] = /(CONFIG) (SET) (cluster-slot-stats-enabled) (\w+) lifts this/.exec(reason) ?? []
      const [command = 'it names none', ...args] = remedy
      await node.command(command, ...args)

      const { ladder } = await start()
      const report = await until('a report', () => {
        const now = ladder.report(Date.now())
        return now?.source === 'slot-stats' && now.keys.length > 0 ? now : null
      })
      const [hot, ...more] = report.keys.filter(({ key }) => text(key).startsWith('{tag}'))
      expect([text(hot?.key), more]).toEqual(['{tag}hot', []])
      expect(hot?.cpuShare).toBeGreaterThan(0.05)
      expect(hot?.cpuShare).toBeLessThanOrEqual(1)
      expect(hot).toMatchObject({ share: null, opsPerSec: null })
      if (engine === 'valkey') expect(hot?.lfuCounter).toBeGreaterThan(5)
      else expect(hot?.lfuCounter).toBeNull()
    },
  )

  it('finds a slot that becomes hot on a server whose other totals are far higher', async ({
    onTestFinished,
  }) => {
    const server = await startWeeksOld()
    onTestFinished(() => server.close())
    const { ladder, stop } = await watchLadder({ host: '127.0.0.1', port: server.port })
    onTestFinished(stop)
    ladder.start()
    const report = await until('the key', () => {
      const now = ladder.report(Date.now())
      return now?.keys.length ? now : null
    })
    expect(report.keys.map(({ key, cpuShare }) => [text(key), cpuShare])).toEqual([['hot', 0.6]])
  })
})

/** A hundred slots with weeks behind them, and one that has become hot today. */
function startWeeksOld(): Promise<ScriptedRedis> {
  let reads = 0
  const totals = () => [
    ...Array.from({ length: 100 }, (_, at) => ({ number: at, us: 9_000_000_000 })),
    { number: 400, us: reads * 60_000 },
  ]
  return startScriptedRedis(([name = '', sub = '', ...rest]): Reply => {
    if (name === 'INFO' && sub === 'commandstats') {
      return `cmdstat_get:calls=9,usec=${reads * 100_000},usec_per_call=1\r\n`
    }
    if (name === 'INFO') return 'redis_version:8.2.0\r\nrun_id:a\r\nrole:master\r\ncluster_enabled:1\r\n'
    if (name === 'CLIENT') return 'OK'
    if (name !== 'CLUSTER') return new Error(`ERR unknown command '${name}', with args beginning with: `)
    if (sub === 'COUNTKEYSINSLOT') return rest[0] === '400' ? 1 : 0
    if (sub === 'GETKEYSINSLOT') return rest[0] === '400' ? ['hot'] : []
    if (rest[0] === 'SLOTSRANGE') {
      const isInside = ({ number }: { number: number }) =>
        number >= Number(rest[1]) && number <= Number(rest[2])
      return totals()
        .filter(isInside)
        .map(({ number, us }) => slot(number, us))
    }
    reads++
    const highest = totals().sort((one, other) => other.us - one.us)
    return highest.slice(0, Number(rest[3])).map(({ number, us }) => slot(number, us))
  })
}
