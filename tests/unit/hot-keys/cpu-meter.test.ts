/** What a burst cost by the node's own CPU: the arithmetic, and what becomes of it where the node does not tell. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { NodeFailure } from '../../../collector/connection/failure.ts'
import { CpuMeter } from '../../../collector/monitor/cpu-meter.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance', 'setTimeout'] }))
afterEach(() => void vi.useRealTimers())

/** A node of which the test says how much it works; `failure` is what it answers instead. */
function node() {
  const state = { usedUs: 5e6, commands: 1_000, failure: null as NodeFailure | null, asked: [] as string[] }
  const place = { host: 'a', port: 1, address: 'a:1' }
  const call = async (command: string, ...sections: (string | number)[]) => {
    state.asked.push([command, ...sections].join(' '))
    if (state.failure) throw state.failure
    const seconds = (state.usedUs / 1e6).toFixed(6)
    const lines = [
      `used_cpu_sys:99\r\nused_cpu_user:99`,
      `used_cpu_sys_main_thread:0.000000\r\nused_cpu_user_main_thread:${seconds}`,
      `total_commands_processed:${state.commands}`,
    ]
    return lines.join('\r\n')
  }
  /** Works for `ms`: commands at a rate, each of `usEach`, and more that is nobody's. */
  const work = (ms: number, perSec: number, usEach: number, moreUs = 0) => {
    vi.advanceTimersByTime(ms)
    const commands = (perSec * ms) / 1_000
    state.commands += commands
    state.usedUs += commands * usEach + moreUs
  }
  const meter = new CpuMeter({ place, call, callBuffer: call })
  return { state, work, meter }
}
const soon = async () => true

async function bracketOf(
  { work, meter }: ReturnType<typeof node>,
  perSec: number,
  burst: { perSec: number; extraUs: number },
) {
  await meter.prime(true)
  work(500, perSec, 10)
  await meter.begin(true)
  work(20, burst.perSec, 10, burst.extraUs)
  return await meter.end(true, 4_000, soon)
}

describe('what the node used beyond its ordinary work', () => {
  test.each([
    ['a busy node, the same load in the burst', 50_000, { perSec: 50_000, extraUs: 6_000 }],
    ['a busy node that served half as much meanwhile', 50_000, { perSec: 25_000, extraUs: 10_000 }],
    ['a quiet node', 100, { perSec: 100, extraUs: 800 }],
  ])('%s', async (_, perSec, burst) => {
    const bracket = await bracketOf(node(), perSec, burst)
    expect((bracket?.usedUs ?? 0) - (bracket?.expectedUs ?? 0)).toBeCloseTo(burst.extraUs, 0)
  })

  test('a prediction beyond all that the node did is cut to it', async () => {
    const bracket = await bracketOf(node(), 100, { perSec: 100, extraUs: 800 })
    expect(bracket?.predictedUs).toBeLessThan(1_000)
  })

  test('nothing is told before it is known what the node does without bursts', async () => {
    const { work, meter } = node()
    await meter.begin(true)
    work(20, 1_000, 10, 500)
    expect(await meter.end(true, 500, soon)).toBeNull()
    expect(await meter.prime(true)).toBe(false)
    work(500, 1_000, 10)
    await meter.begin(true)
    work(20, 1_000, 10, 500)
    expect(await meter.end(true, 500, soon)).not.toBeNull()
  })

  test('before Redis 7 the sections are asked for one by one', async () => {
    const { state, meter } = node()
    await meter.prime(false)
    expect(state.asked).toEqual(['INFO cpu', 'INFO stats'])
  })
})

describe('a node that does not tell', () => {
  const timeout = new NodeFailure({ state: 'timeout', message: 'It does not answer.' })
  const closed = new NodeFailure({ state: 'unreachable', message: 'It closed the connection.' })
  const gone = new NodeFailure({ state: 'refused', message: 'Nothing listens.' })
  const denied = new NodeFailure({ state: 'denied', message: 'It may not.' }, 'NOPERM')

  test('is waited for while it is held up, and then charged all of it', async () => {
    const one = node()
    await one.meter.prime(true)
    one.work(500, 1_000, 10)
    await one.meter.begin(true)
    one.work(1_000, 0, 0, 3e6)
    one.state.failure = timeout
    let pauses = 0
    const bracket = await one.meter.end(true, 4_000, async () => {
      if (++pauses === 3) one.state.failure = null
      one.work(1_000, 0, 0)
      return true
    })
    expect(pauses).toBe(3)
    expect((bracket?.usedUs ?? 0) - (bracket?.expectedUs ?? 0)).toBeGreaterThan(2.9e6)
  })

  test.each([
    ['is given up where nothing listens any more', gone, 0],
    ['is given up where it refuses', denied, 0],
    ['is given up after a while', timeout, 15],
    ['is waited for while its connection is opened again', closed, 15],
  ])('%s', async (_, failure, pauses) => {
    const one = node()
    await one.meter.prime(true)
    one.work(500, 1_000, 10)
    await one.meter.begin(true)
    one.state.failure = failure
    const pause = vi.fn(soon)
    expect(await one.meter.end(true, 4_000, pause)).toBeNull()
    expect(pause).toHaveBeenCalledTimes(pauses)
  })

  test('is not asked again for a minute where it refuses', async () => {
    const { state, meter } = node()
    state.failure = denied
    await meter.begin(true)
    await meter.begin(true)
    expect(state.asked).toHaveLength(1)
    vi.advanceTimersByTime(61_000)
    await meter.begin(true)
    expect(state.asked).toHaveLength(2)
  })
})
