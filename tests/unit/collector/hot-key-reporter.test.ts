import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { NodeConnection } from '../../../collector/connection/node-connection.ts'
import { HotKeyReporter } from '../../../collector/hot-keys/reporter.ts'
import { noCost } from '../../../collector/hot-keys/source-types.ts'
import { parseConfig } from '../../../core/config.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

it('pauses and resumes the detector within a second, and says why it waits', async () => {
  const [cache] = parseConfig('caches: [{ name: shop, kind: standalone, nodes: [redis://a] }]', {}).caches
  if (!cache) throw new Error('no cache')
  const credentials = { username: null, password: null, tls: null }
  const place = { host: 'a', port: 6379, address: 'a:6379' }
  const calls: string[] = []
  let pause: string | null = 'The lease is gone.'
  const quiet = () => {}
  const reporter = new HotKeyReporter({
    cache,
    credentials,
    watcher: {
      place,
      connection: new NodeConnection(place, credentials),
      state: 'up',
      reading: null,
      shaped: null,
    },
    loadCommandTable: () => Promise.reject(new Error('not asked for')),
    onHotKeys: quiet,
    hotKeyPause: () => pause,
    createHotKeySource: () => ({
      start: () => void calls.push('start'),
      stop: async () => void calls.push('stop'),
      report: () => null,
      refusal: null,
      cost: noCost(),
      watching: {
        source: null,
        sources: [],
        budget: 0.01,
        attention: null,
        predictedShare: null,
        measuredShare: null,
        lastBurst: null,
      },
    }),
    clock: { now: () => 0, monotonic: () => 0, random: () => 0 },
    logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  })
  reporter.start()
  expect([calls, reporter.refusal]).toEqual([[], 'The lease is gone.'])
  pause = null
  vi.advanceTimersByTime(3_000)
  expect([calls, reporter.refusal]).toEqual([['start'], null])
  pause = 'The lease is gone again.'
  vi.advanceTimersByTime(3_000)
  expect([calls, reporter.refusal]).toEqual([['start', 'stop'], 'The lease is gone again.'])
  await reporter.stop()
})
