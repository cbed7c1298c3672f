import { afterEach, beforeEach, expect, test } from 'vitest'
import { parseRange } from '../../core/range.ts'
import type { Tick } from '../../core/sample.ts'
import { closeStore, openStore, type Store } from '../../store/client.ts'
import { listCommands } from '../../store/commands.ts'
import { connect } from '../../store/connection.ts'
import { getHotKey, listHotKeyRows } from '../../store/hot-keys.ts'
import { dropExpired, ensurePartitions, rollUp } from '../../store/maintenance.ts'
import { listPartitions, PARTITIONED_TABLES } from '../../store/partitions.ts'
import { getSeries, listSamples } from '../../store/samples.ts'
import { saveTick } from '../../store/tick.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { collector, emptyTick, hotKey, NODE, sample, saveShop, status } from '../support/tick.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000
const START = Date.UTC(2026, 0, 31, 22, 58)
let database: TestDatabase
let store: Store

beforeEach(async () => {
  database = await createTestDatabase()
  store = openStore(database.url)
  await saveShop(store, START - 1)
})
afterEach(async () => {
  await closeStore(store)
  await database.drop()
})

/** Eight minutes over an hour's end: uneven cadence, a gap, figures that are sometimes unknown. */
function history(): Tick[] {
  const ticks: Tick[] = []
  let at = START
  for (let index = 0; at < START + 8 * 60_000; index++) {
    at += index % 5 === 0 ? 2_700 : 2_000
    if (at > START + 190_000 && at < START + 260_000) continue
    const tick = emptyTick(at, {
      statuses: [status(at)],
      samples: [
        sample(at, {
          opsPerSec: 100 + ((index * 37) % 90),
          usedMemoryBytes: 1_000_000_000_000 + index * 1_024,
          maxMemoryBytes: index % 40 === 0 ? 2 ** 41 : 2 ** 40,
          lagSeconds: index % 3 === 0 ? null : index % 11,
          connectedClients: index % 4,
        }),
      ],
    })
    if (index % 3 === 0) {
      tick.hotKeys.push(hotKey(at, 'always', 0.5))
      if (index % 2 === 0) tick.hotKeys.push(hotKey(at, 'half', 0.3, { topCommand: 'HGETALL' }))
    }
    if (index % 5 === 0)
      tick.commands.push(command(at, 'get', 50, 2), ...(index % 2 ? [command(at, 'set', 10, 4)] : []))
    ticks.push(tick)
  }
  return ticks
}

function command(at: number, name: string, callsPerSec: number, usPerCall: number) {
  const rest = { failedPerSec: 0, rejectedPerSec: null, p50Us: 1, p99Us: null, p999Us: null }
  return { ...NODE, at, command: name, callsPerSec, usPerCall, ...rest }
}

/** All in one round trip, as a collector's backlog would be. */
async function save(ticks: Tick[]): Promise<void> {
  if (ticks.length === 0) return
  const at = Math.max(...ticks.map((tick) => tick.at))
  const merged = emptyTick(at, {
    statuses: ticks.flatMap((tick) => tick.statuses),
    samples: ticks.flatMap((tick) => tick.samples),
    commands: ticks.flatMap((tick) => tick.commands),
    hotKeys: ticks.flatMap((tick) => tick.hotKeys),
  })
  await saveTick(store, merged, collector(at))
}

async function rows(table: string): Promise<Record<string, unknown>[]> {
  const { rows: found } = await store.pool.query(`SELECT * FROM ${table} ORDER BY at, 2, 3`)
  return found
}

const average = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
const bucketOf = (at: number, sizeMs: number) => Math.floor(at / sizeMs) * sizeMs

/** What node_sample_1m and _1h must hold, computed the plain way. */
function bruteForce(ticks: Tick[], until: number) {
  const samples = ticks.flatMap((tick) => tick.samples)
  const minutes = [...Map.groupBy(samples, (row) => bucketOf(row.at, 60_000))]
    .filter(([at]) => at + 60_000 <= until)
    .map(([at, group]) => {
      const known = (name: 'opsPerSec' | 'usedMemoryBytes' | 'lagSeconds') =>
        group.map((row) => row.metrics[name]).filter((value) => value !== null)
      return {
        at,
        samples: group.length,
        ops: average(known('opsPerSec')),
        opsPeak: Math.max(...known('opsPerSec')),
        used: Math.round(average(known('usedMemoryBytes'))),
        max: Math.max(...group.map((row) => row.metrics.maxMemoryBytes ?? 0)),
        lag: average(known('lagSeconds')),
        lagPeak: Math.max(...known('lagSeconds')),
      }
    })
    .toSorted((a, b) => a.at - b.at)
  const hours = [...Map.groupBy(minutes, (row) => bucketOf(row.at, HOUR_MS))]
    .filter(([at]) => at + HOUR_MS <= until)
    .map(([at, group]) => {
      const total = group.reduce((sum, row) => sum + row.samples, 0)
      const weigh = (name: 'ops' | 'lag') =>
        group.reduce((sum, row) => sum + row[name] * row.samples, 0) / total
      return { at, samples: total, ops: weigh('ops'), opsPeak: Math.max(...group.map((row) => row.opsPeak)) }
    })
  return { minutes, hours }
}

async function expectRolledUp(ticks: Tick[], until: number): Promise<void> {
  const { minutes, hours } = bruteForce(ticks, until)
  const stored = await rows('node_sample_1m')
  expect(stored).toHaveLength(minutes.length)
  for (const [index, minute] of minutes.entries()) {
    const row = stored[index] ?? {}
    expect((row.at as Date).getTime()).toBe(minute.at)
    expect(row.samples).toBe(minute.samples)
    expect(row.ops_per_sec).toBeCloseTo(minute.ops, 2)
    expect(row.ops_per_sec_peak).toBe(minute.opsPeak)
    expect(Number(row.max_memory_bytes)).toBe(minute.max)
    expect(Math.abs(Number(row.used_memory_bytes) - minute.used)).toBeLessThanOrEqual(1)
    expect(row.lag_seconds).toBeCloseTo(minute.lag, 4)
    expect(row.lag_seconds_peak).toBe(minute.lagPeak)
    expect(row.hits_per_sec).toBeNull()
  }
  const storedHours = await rows('node_sample_1h')
  expect(storedHours).toHaveLength(hours.length)
  for (const [index, hour] of hours.entries()) {
    expect(storedHours[index]).toMatchObject({ samples: hour.samples, ops_per_sec_peak: hour.opsPeak })
    expect(storedHours[index]?.ops_per_sec).toBeCloseTo(hour.ops, 2)
  }
}

test('equals the plain computation, minute by minute and over the hour; again, nothing changes', async () => {
  const ticks = history()
  await save(ticks)
  const now = START + 7 * 60_000 + 30_000
  await rollUp(store, now)
  await expectRolledUp(ticks, START + 7 * 60_000)
  const before = [
    await rows('node_sample_1m'),
    await rows('hot_key_sample_1m'),
    await rows('command_sample_1h'),
  ]
  await rollUp(store, now)
  expect([
    await rows('node_sample_1m'),
    await rows('hot_key_sample_1m'),
    await rows('command_sample_1h'),
  ]).toEqual(before)
})

test('hot keys and commands count as 0 in the reports that leave them out', async () => {
  const ticks = history()
  await save(ticks)
  await rollUp(store, START + 2 * HOUR_MS)
  const reports = ticks.filter((tick) => tick.hotKeys.length > 0)
  const minutes = Map.groupBy(reports, (tick) => bucketOf(tick.at, 60_000))
  const halves = await store.pool.query(
    `SELECT h.at, h.reports, h.samples, h.share, h.share_peak, h.top_command FROM hot_key_sample_1m h JOIN key k USING (key_id)
     WHERE k.bytes = 'half' ORDER BY h.at`,
  )
  expect(halves.rows.length).toBeGreaterThan(4)
  for (const row of halves.rows) {
    const group = minutes.get(row.at.getTime()) ?? []
    const present = group.filter((tick) => tick.hotKeys.length === 2).length
    expect(row).toMatchObject({ reports: group.length, samples: present, top_command: 'HGETALL' })
    expect(row.share).toBeCloseTo((0.3 * present) / group.length, 5)
    expect(row.share_peak).toBeCloseTo(0.3, 5)
  }
  const hour = bucketOf(START, HOUR_MS)
  const inHour = reports.filter((tick) => bucketOf(tick.at, HOUR_MS) === hour)
  const [hourly] = (
    await store.pool.query(
      `SELECT h.reports, h.share FROM hot_key_sample_1h h JOIN key k USING (key_id) WHERE k.bytes = 'half' AND h.at = $1`,
      [new Date(hour)],
    )
  ).rows
  expect(hourly.reports).toBe(inHour.length)
  expect(hourly.share).toBeCloseTo(
    (0.3 * inHour.filter((tick) => tick.hotKeys.length === 2).length) / inHour.length,
    5,
  )
  const commandReports = ticks.filter((tick) => tick.commands.length > 0)
  const range = { ...parseRange({}, START), from: START, to: START + 2 * HOUR_MS }
  const [get, set] = await listCommands(store, 1, range)
  const share = commandReports.filter((tick) => tick.commands.length === 2).length / commandReports.length
  expect(get?.callsPerSec).toBeCloseTo(50, 3)
  expect(set?.callsPerSec).toBeCloseTo(10 * share, 3)
  expect(set?.usPerCall).toBeCloseTo(4, 5)
})

test('rows that come late are rolled up again, the hour too', async () => {
  const ticks = history()
  const late = ticks.filter((_, index) => index % 7 === 3)
  await save(ticks.filter((tick) => !late.includes(tick)))
  const now = START + 2 * HOUR_MS
  await rollUp(store, now)
  await save(late)
  await rollUp(store, now)
  await expectRolledUp(ticks, now - 10_000)
})

test('a crash between any two steps is made good by the next run', async () => {
  const ticks = history()
  await save(ticks)
  const now = START + 2 * HOUR_MS
  for (let failAt = 1; failAt <= 24; failAt++) {
    await rollUp(crashingStore(failAt), now).catch(() => {})
  }
  await rollUp(store, now)
  await expectRolledUp(ticks, now - 10_000)
})

/** Its connection is cut by the server before the statement of this number. */
function crashingStore(failAt: number): Store {
  let statements = 0
  const connectBroken = async () => {
    const client = await connect(database.url)
    const query = client.query.bind(client) as (...args: unknown[]) => Promise<unknown>
    const counted = async (...args: unknown[]) => {
      statements++
      if (statements === failAt) {
        await store.pool.query('SELECT pg_terminate_backend($1)', [Reflect.get(client, 'processID')])
      }
      return query(...args)
    }
    return Object.assign(client, { query: counted, release: () => client.end() })
  }
  return { ...store, maintenancePool: { connect: connectBroken } as unknown as Store['maintenancePool'] }
}

test('a late tick that commits while its minute is being computed is not lost', async () => {
  const ticks = history()
  const late = ticks.filter((_, index) => index % 7 === 3)
  await save(ticks.filter((tick) => !late.includes(tick)))
  const now = START + 2 * HOUR_MS
  const pending = late.values()
  const intruding: Store = {
    ...store,
    maintenancePool: {
      connect: async () => {
        const client = await store.maintenancePool.connect()
        const query = client.query.bind(client) as (...args: unknown[]) => Promise<unknown>
        return new Proxy(client, {
          get(target, name) {
            if (name !== 'query') {
              const value = Reflect.get(target, name)
              return typeof value === 'function' ? value.bind(target) : value
            }
            return async (...args: unknown[]) => {
              const isCompute = String(args[0]).includes('INSERT INTO node_sample_1m')
              const result = await query(...args)
              const tick = isCompute ? pending.next().value : undefined
              if (tick !== undefined) await saveTick(store, tick, collector(tick.at))
              return result
            }
          },
        })
      },
    } as unknown as Store['maintenancePool'],
  }
  await rollUp(intruding, now)
  await save([...pending])
  await rollUp(store, now)
  await expectRolledUp(ticks, now - 10_000)
})

test('two collectors at once roll up once', async () => {
  const ticks = history()
  await save(ticks)
  const other = openStore(database.url)
  const now = START + 2 * HOUR_MS
  await Promise.all([rollUp(store, now), rollUp(other, now)])
  await rollUp(other, now)
  await closeStore(other)
  await expectRolledUp(ticks, now - 10_000)
})

test('partitions are made ahead, dropped by retention, and what is not rolled up stays', async () => {
  await ensurePartitions(store, START)
  await ensurePartitions(store, START)
  const client = await store.pool.connect()
  const days = async (table: string) =>
    (await listPartitions(client, table)).map((partition) =>
      new Date(partition.from).toISOString().slice(0, 10),
    )
  for (const table of PARTITIONED_TABLES)
    expect(await days(table)).toEqual(['2026-01-31', '2026-02-01', '2026-02-02'])
  await save(history())
  const retention = { rawMs: DAY_MS, minutesMs: 30 * DAY_MS, hoursMs: 400 * DAY_MS, keysMs: 30 * DAY_MS }
  const later = START + 2 * DAY_MS + 2 * HOUR_MS
  await dropExpired(store, later, retention)
  expect(await days('node_sample')).toContain('2026-01-31')
  await rollUp(store, later)
  await dropExpired(store, later, retention)
  expect(await days('node_sample')).not.toContain('2026-01-31')
  expect(await days('node_sample_1m')).toContain('2026-01-31')
  const kept = await rows('node_sample_1m')
  // A row from before what was dropped must not replace the minute that was computed from all of them.
  await save([
    emptyTick(START + 5_000, {
      statuses: [status(START + 5_000)],
      samples: [sample(START + 5_000, { opsPerSec: 9_999 })],
    }),
  ])
  await rollUp(store, later)
  expect(await rows('node_sample_1m')).toEqual(kept)
  client.release()
})

test('a short range whose raw samples are gone is answered by minutes, and an older one by hours', async () => {
  await ensurePartitions(store, START)
  await save(history())
  const later = START + 2 * DAY_MS + 2 * HOUR_MS
  await rollUp(store, later)
  const range = { ...parseRange({}, later), from: START, to: START + HOUR_MS / 2 }
  const key = new TextEncoder().encode('always')
  const read = async () => {
    const series = await getSeries(store, { cacheId: 'shop', metrics: ['opsPerSec'], range })
    const { items } = await listSamples(store, { cacheId: 'shop', range, limit: 500 })
    const commands = await listCommands(store, 1, range)
    const detail = await getHotKey(store, { cacheId: 'shop', db: 0, key, range, now: later })
    const [row] = await listHotKeyRows(store, { range, limit: 10, now: later })
    return {
      ...{ resolution: series.resolution, stepMs: series.stepMs, samples: items.length },
      points: series.lines[0]?.metrics.opsPerSec?.filter((value) => value !== null).length,
      commands: commands.map((command) => command.command),
      history: detail?.history.opsPerSec.filter((value) => value !== null).length,
      sparkline: row?.sparkline.filter((value) => value !== null).length,
    }
  }
  expect(await read()).toMatchObject({ resolution: 'raw', stepMs: 5_000, commands: ['get', 'set'] })
  const kept = { minutesMs: 30 * DAY_MS, hoursMs: 400 * DAY_MS, keysMs: 30 * DAY_MS }
  await dropExpired(store, later, { rawMs: 6 * HOUR_MS, ...kept })
  expect(await read()).toEqual({
    resolution: '1m',
    stepMs: 60_000,
    samples: 9,
    points: 9,
    commands: ['get', 'set'],
    history: 8,
    sparkline: 8,
  })
  await dropExpired(store, later, { rawMs: 6 * HOUR_MS, ...kept, minutesMs: 12 * HOUR_MS })
  expect(await read()).toMatchObject({ resolution: '1h', samples: 1, commands: ['get', 'set'] })
})

test('keys that nothing has named for their retention are pruned', async () => {
  await save(history())
  const retention = { rawMs: DAY_MS, minutesMs: 30 * DAY_MS, hoursMs: 400 * DAY_MS, keysMs: HOUR_MS }
  await saveTick(
    store,
    emptyTick(START + 2 * HOUR_MS, { hotKeys: [hotKey(START + 2 * HOUR_MS, 'always', 0.4)] }),
    collector(START),
  )
  await dropExpired(store, START + 2 * HOUR_MS, retention)
  const { rows: keys } = await store.pool.query(`SELECT convert_from(bytes, 'UTF8') AS key FROM key`)
  expect(keys).toEqual([{ key: 'always' }])
})

test.each([
  ['raw', '15m'],
  ['1m', '6h'],
  ['1h', '7d'],
] as const)('series in %s: evenly spaced, gaps are null, and it reaches to now', async (resolution, name) => {
  const ticks = history()
  await save(ticks)
  const now = (ticks.at(-1)?.at ?? 0) + 500
  await rollUp(store, now)
  const range = parseRange({ range: name }, now)
  const series = await getSeries(store, { cacheId: 'shop', metrics: ['opsPerSec', 'hitsPerSec'], range })
  expect(series.resolution).toBe(resolution)
  expect(series.lines).toHaveLength(2)
  const [first, second] = series.lines
  const values = first?.metrics.opsPerSec ?? []
  expect(values).toHaveLength(series.at.length)
  expect(new Set(series.at.map((at, index) => at - (series.at[0] ?? 0) - index * series.stepMs))).toEqual(
    new Set([0]),
  )
  expect(values.at(-1)).not.toBeNull()
  expect(values[0]).toBeNull()
  expect(second?.metrics.opsPerSec?.every((value) => value === null)).toBe(true)
  expect(first?.metrics.hitsPerSec?.every((value) => value === null)).toBe(true)
  if (resolution === 'raw') {
    const gap = series.at.findIndex((at) => at > START + 200_000)
    expect(values[gap]).toBeNull()
    const inside = values.slice(
      series.at.findIndex((at) => at > START + 300_000),
      -1,
    )
    expect(inside.every((value) => value !== null)).toBe(true)
  }
})

test('samples page by page, each once, newest first', async () => {
  const ticks = history()
  await save(ticks)
  const range = parseRange({}, (ticks.at(-1)?.at ?? 0) + 1)
  const seen: string[] = []
  let cursor: string | undefined
  do {
    const page = await listSamples(store, {
      cacheId: 'shop',
      range,
      limit: 17,
      ...(cursor === undefined ? {} : { cursor }),
    })
    seen.push(...page.items.map((item) => item.at))
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
  expect(seen).toEqual(ticks.map((tick) => new Date(tick.at).toISOString()).toReversed())
})

test('hot key rows: current ones first, past ones with how they were; history has gaps', async () => {
  const ticks = history()
  await save(ticks)
  const last = ticks.at(-1)?.at ?? 0
  const now = last + 5 * 60_000
  await saveTick(store, emptyTick(now, { hotKeys: [hotKey(now, 'new', 0.2)] }), collector(now))
  await rollUp(store, now)
  const range = parseRange({}, now + 1)
  const found = await listHotKeyRows(store, { cacheId: 'shop', range, limit: 10, now })
  expect(found.map((row) => row.key)).toEqual(['new', 'always', 'half'])
  expect(found[0]).toMatchObject({
    share: expect.closeTo(0.2, 5),
    shardOrdinal: 1,
    nodeAddress: NODE.address,
  })
  expect(found[1]?.sparkline.at(-1)).toBeNull()
  expect(found[1]?.sparkline.some((value) => value !== null)).toBe(true)
  expect(await listHotKeyRows(store, { pattern: 'h*', range, limit: 10, now })).toHaveLength(1)
  const key = new TextEncoder().encode('always')
  const detail = await getHotKey(store, { cacheId: 'shop', db: 0, key, range, now })
  expect(detail?.current).toEqual([])
  expect(detail?.history.at).toHaveLength(detail?.history.share.length ?? -1)
  expect(
    detail?.history.share.filter((value) => value !== null).every((value) => Math.abs(value - 0.5) < 1e-5),
  ).toBe(true)
})
