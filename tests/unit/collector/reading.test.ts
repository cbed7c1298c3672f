import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type NodeReading, type OwnCost, shapeReading } from '../../../collector/reading.ts'
import { parseInfo } from '../../../collector/sources/info.ts'

const text = readFileSync(new URL('../../fixtures/redis-7.0.15/info-primary.txt', import.meta.url), 'utf8')
const NO_COST: OwnCost = {
  commands: 0,
  bytesRead: 0,
  bytesWritten: 0,
  connections: 0,
  byCommand: new Map(),
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
  return { at: monotonicMs, monotonicMs, pingMs: 0.5, info: parseInfo(changed), cluster: null, own: cost }
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
