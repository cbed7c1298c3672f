import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type NodeReading, type OwnCost, shapeReading } from '../../../collector/reading.ts'
import { parseInfo } from '../../../collector/sources/info.ts'
import { type CommandTable, parseCommandTable } from '../../../core/hot-keys/command-keys.ts'

const text = readFileSync(new URL('../../fixtures/redis-7.0.15/info-primary.txt', import.meta.url), 'utf8')
const NO_COST: OwnCost = {
  commands: 0,
  bytesRead: 0,
  bytesWritten: 0,
  connections: 0,
  byCommand: new Map(),
  hits: 0,
  misses: 0,
  watchingCommands: 0,
  watchingBytes: 0,
  watchingCpuUs: 0,
}

/** The captured INFO with fields set to other values. */
function reading(
  monotonicMs: number,
  fields: Record<string, string | number>,
  own: Partial<OwnCost> = {},
): NodeReading {
  let changed = text
  for (const [name, value] of Object.entries(fields)) {
    const line = new RegExp(`^${name.replace('|', '\\|')}:.*$`, 'm')
    changed = line.test(changed)
      ? changed.replace(line, `${name}:${value}`)
      : `${changed}${name}:${value}\r\n`
  }
  const cost = { ...NO_COST, ...own }
  const info = parseInfo(changed)
  return { at: monotonicMs, monotonicMs, pingMs: 0.5, info, cluster: null, table: null, own: cost }
}

const calls = (count: number, usec: number) =>
  `calls=${count},usec=${usec},usec_per_call=1,rejected_calls=0,failed_calls=0`
const earlier = reading(0, {
  total_commands_processed: 1_000,
  keyspace_hits: 100,
  total_net_input_bytes: 10_000,
  total_net_output_bytes: 10_000,
  used_cpu_sys_main_thread: '1.0',
  used_cpu_user_main_thread: '1.0',
  cmdstat_get: calls(500, 500),
  cmdstat_info: calls(10, 1_000),
})
const later = (change: Record<string, string | number> = {}, own: Partial<OwnCost> = {}) =>
  reading(
    2_000,
    {
      total_commands_processed: 3_010,
      keyspace_hits: 300,
      total_net_input_bytes: 30_500,
      total_net_output_bytes: 90_000,
      used_cpu_sys_main_thread: '1.2',
      used_cpu_user_main_thread: '1.4',
      cmdstat_get: calls(2_500, 4_500),
      cmdstat_info: calls(20, 2_000),
      ...change,
    },
    own,
  )

describe('shapeReading', () => {
  it('has levels but no rates from a single reading', () => {
    const { metrics, commands } = shapeReading(null, earlier)
    expect(metrics).toMatchObject({
      opsPerSec: null,
      hitsPerSec: null,
      ownCpuShare: null,
      maxMemoryBytes: 104_857_600,
      pingMs: 0.5,
    })
    expect(metrics.keys).toBeGreaterThan(0)
    expect(commands).toEqual([])
  })

  it('takes away what we did ourselves', () => {
    const own = { commands: 10, bytesRead: 60_000, bytesWritten: 500, byCommand: new Map([['info', 10]]) }
    const { metrics, commands, inputBytesPerCommand } = shapeReading(earlier, later({}, own))
    expect(metrics).toMatchObject({
      opsPerSec: 1_000,
      hitsPerSec: 100,
      netInBytesPerSec: 10_000,
      netOutBytesPerSec: 10_000,
      ownCommandsPerSec: 5,
      ownBytesPerSec: 30_250,
    })
    expect(metrics.cpuShare).toBeCloseTo(0.3)
    // Ten INFO of 100 µs in two seconds.
    expect(metrics.ownCpuShare).toBeCloseTo(0.0005)
    expect(commands.map((command) => command.command)).toEqual(['get'])
    expect(commands[0]).toMatchObject({ callsPerSec: 1_000, usPerCall: 2 })
    expect(inputBytesPerCommand).toBe(10)
  })

  it('leaves the hits and misses that our probes added out of the hit rate', () => {
    const change = { keyspace_hits: 300, keyspace_misses: 0 }
    const { metrics } = shapeReading(
      reading(0, { keyspace_hits: 100, keyspace_misses: 0 }),
      reading(2_000, { ...change, keyspace_misses: 60 }, { hits: 40, misses: 60 }),
    )
    expect(metrics).toMatchObject({ hitsPerSec: 80, missesPerSec: 0 })
  })

  it('counts the time of a transaction once, by the commands in it', () => {
    const { metrics } = shapeReading(earlier, later({ cmdstat_exec: calls(10, 4_000) }))
    expect(metrics.commandUsPerSec).toBe(shapeReading(earlier, later()).metrics.commandUsPerSec)
  })

  it('books what watching hot keys cost', () => {
    const own = { watchingCommands: 4, watchingBytes: 20_000, watchingCpuUs: 20_000, connections: 4 }
    const { metrics } = shapeReading(earlier, later({}, own))
    expect(metrics).toMatchObject({ ownCommandsPerSec: 2, ownBytesPerSec: 10_000 })
    expect(metrics.ownCpuShare).toBeCloseTo(0.01)
  })

  it.each([
    ['CONFIG RESETSTAT', { keyspace_hits: 0, cmdstat_get: calls(1, 1) }, 'counters-reset'],
    ['a restart', { run_id: 'f'.repeat(40), total_commands_processed: 9_999_999 }, 'restart'],
    ['a failover', { role: 'slave' }, 'role-change'],
  ])('shows no rate across %s', (_, change, why) => {
    const { diff, metrics, commands } = shapeReading(earlier, later(change))
    expect(diff.break).toBe(why)
    expect(metrics).toMatchObject({
      opsPerSec: null,
      cpuShare: null,
      ownCommandsPerSec: null,
      ownCpuShare: null,
    })
    expect(commands).toEqual([])
    expect(metrics.usedMemoryBytes).toBeGreaterThan(0)
  })

  it('falls back to the whole process where the main thread has no figure of its own', () => {
    const strip = (one: NodeReading): NodeReading => ({
      ...one,
      info: parseInfo(one.info.text.replace(/^used_cpu_\w+_main_thread:.*\r?\n/gm, '')),
    })
    const { metrics } = shapeReading(
      strip({
        ...earlier,
        info: parseInfo(
          earlier.info.text
            .replace(/^used_cpu_sys:.*/m, 'used_cpu_sys:1')
            .replace(/^used_cpu_user:.*/m, 'used_cpu_user:1'),
        ),
      }),
      strip({
        ...later(),
        info: parseInfo(
          later()
            .info.text.replace(/^used_cpu_sys:.*/m, 'used_cpu_sys:2')
            .replace(/^used_cpu_user:.*/m, 'used_cpu_user:1'),
        ),
      }),
    )
    expect(metrics.cpuShare).toBeCloseTo(0.5)
  })
})

describe("a replica's load", () => {
  const table = parseCommandTable([
    ['set', -3, ['write', 'denyoom'], 1, 1, 1],
    ['get', 2, ['readonly'], 1, 1, 1],
    ['multi', 1, [], 0, 0, 0],
    ['ping', -1, [], 0, 0, 0],
    ['publish', 3, [], 0, 0, 0],
    ['replconf', -1, ['admin'], 0, 0, 0],
  ])
  /** Two seconds apart, each command 10 µs. */
  function shaped(
    callsIn2s: Record<string, number>,
    options: { table?: CommandTable | null; fields?: Record<string, string | number> } = {},
  ) {
    const at = (monotonicMs: number, share: number): NodeReading => {
      const count = (name: string) => (callsIn2s[name] ?? 0) * share
      const stats = Object.keys(callsIn2s).map((name) => [
        `cmdstat_${name}`,
        calls(count(name), count(name) * 10),
      ])
      const total = Object.keys(callsIn2s).reduce((sum, name) => sum + count(name), 0)
      const fields = { role: 'slave', total_commands_processed: total, ...options.fields }
      const one = reading(monotonicMs, fields)
      const without = one.info.text.replace(/^cmdstat_.*\r?\n/gm, '')
      const info = parseInfo(`${without}${stats.map(([name, value]) => `${name}:${value}\r\n`).join('')}`)
      return { ...one, info, table: options.table === undefined ? table : options.table }
    }
    return shapeReading(at(0, 0), at(2_000, 1))
  }

  it.each<[string, Record<string, number>, Record<string, string>, number]>([
    ["none of the primary's writes", { set: 4_000, get: 600 }, {}, 300],
    ['nor what is wrapped around them', { set: 400, multi: 200, replconf: 2, get: 600 }, {}, 300],
    ["a client's transactions where there are no writes", { multi: 20, get: 600 }, {}, 310],
    ["a client's health checks", { ping: 200.2, get: 600 }, {}, 400],
    ['no PUBLISH that came by replication', { publish: 200, get: 600 }, {}, 300],
    ["a cluster's PUBLISH, which does not", { publish: 200, get: 600 }, { cluster_enabled: '1' }, 400],
    ['on a primary everything', { set: 4_000, get: 600 }, { role: 'master' }, 2_300],
  ])('counts %s', (_, callsIn2s, fields, opsPerSec) => {
    const { metrics } = shaped(callsIn2s, { fields })
    expect(metrics.opsPerSec).toBeCloseTo(opsPerSec)
    expect(metrics.commandUsPerSec).toBeCloseTo(opsPerSec * 10)
  })

  it('is still what the node runs where hot keys are concerned', () => {
    const { executedPerSec, callsPerCommand } = shaped({ set: 4_000, get: 600 })
    expect(executedPerSec).toBe(2_300)
    expect(callsPerCommand.get('set')).toBe(2_000)
  })

  it('is unknown where the node does not say which commands write', () => {
    const { metrics } = shaped({ set: 4_000, get: 600 }, { table: null })
    expect(metrics).toMatchObject({ opsPerSec: null, commandUsPerSec: null })
  })
})
