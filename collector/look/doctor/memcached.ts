/** Examines a Memcached: `stats`, `stats settings`, and a `watch` of nothing, which it refuses in one of two ways. */
import { connect } from 'node:net'
import { MemcachedFailure } from '../../memcached/failure.ts'
import { MemcachedConnection } from '../../memcached/memcached-connection.ts'
import { diffStats, parseStats } from '../../memcached/stats.ts'
import type { TargetPlace } from '../target.ts'
import type { Check } from './checks.ts'
import type { DoctorNode } from './report.ts'

const BETWEEN_MS = 700
const SETTINGS_TIMEOUT_MS = 1_000
const SETTINGS_REQUEST = 'stats settings\r\nwatch cachescope-probe\r\n'
/** With both, a busy server loses next to no line (docs/cli.md). */
const WATCHER_BUFFER = 8 * 1024 * 1024
const WORKER_BUFFER = 4 * 1024 * 1024

export async function examineMemcached(
  place: TargetPlace,
  count: (names: ReadonlyMap<string, number>) => void,
): Promise<DoctorNode> {
  const connection = new MemcachedConnection(place)
  const node: DoctorNode = {
    ...{ cacheId: 'memcached', address: place.address, engine: 'memcached', version: null, role: 'server' },
    ...{ pingMs: null, opsPerSec: null, prediction: null, checks: [] },
  }
  try {
    const readings = [await readStats(connection)]
    const settings = await readSettings(place)
    await new Promise((resolve) => setTimeout(resolve, BETWEEN_MS))
    readings.push(await readStats(connection))
    const [before, after] = readings
    const diff = before && after ? diffStats(before, after) : null
    const version = after?.stats.version ?? null
    const checks = judgeMemcached(version, settings)
    return { ...node, version, pingMs: after?.tookMs ?? null, opsPerSec: diff?.opsPerSec ?? null, checks }
  } catch (error) {
    if (!(error instanceof MemcachedFailure)) throw error
    return { ...node, checks: [{ name: 'connection', state: 'refused', text: error.message, hint: null }] }
  } finally {
    count(
      new Map([
        ['stats', connection.cost.commands + 1],
        ['watch', 1],
      ]),
    )
    connection.close()
  }
}

/** Pure. @param settings of `stats settings`; null when it did not answer */
export function judgeMemcached(
  version: string | null,
  settings: ReadonlyMap<string, string> | null,
): Check[] {
  const checks: Check[] = [{ name: 'load', state: 'ok', text: 'stats is answered', hint: null }]
  const [major = 0, minor = 0, patch = 0] = (version ?? '').split('.').map(Number)
  const canWatch = major > 1 || minor > 4 || (minor === 4 && patch >= 26)
  const isOff = settings?.get('watch_enabled') === 'no'
  if (!canWatch || isOff) {
    const text = isOff ? 'it was started with -W, which disables watch' : 'its version has no watch'
    const hint = isOff ? 'start it without -W' : 'Memcached 1.4.26 and newer have it'
    return [...checks, { name: 'hot keys', state: 'refused', text, hint }]
  }
  checks.push({ name: 'hot keys', state: 'ok', text: 'by watch fetchers mutations', hint: null })
  return [...checks, bufferCheck(settings)]
}

function bufferCheck(settings: ReadonlyMap<string, string> | null): Check {
  const name = 'log buffers'
  const number = (setting: string) => Number(settings?.get(setting) ?? Number.NaN)
  const [watcher, worker] = [number('watcher_logbuf_size'), number('worker_logbuf_size')]
  if (Number.isNaN(watcher) || Number.isNaN(worker)) {
    return { name, state: 'degraded', text: 'their sizes are not told (stats settings)', hint: null }
  }
  const kilo = (bytes: number) => `${Math.round(bytes / 1_024)} kB`
  const sizes = `watcher_logbuf_size ${kilo(watcher)}, worker_logbuf_size ${kilo(worker)}`
  if (watcher >= WATCHER_BUFFER && worker >= WORKER_BUFFER)
    return { name, state: 'ok', text: sizes, hint: null }
  const text = `${sizes}: from some 100,000 commands a second it drops lines, for which the rates are corrected`
  const hint = '-o watcher_logbuf_size=8192,worker_logbuf_size=4096 loses fewer'
  return { name, state: 'degraded', text, hint }
}

async function readStats(connection: MemcachedConnection) {
  const startedAt = performance.now()
  const stats = parseStats(await connection.stats())
  const monotonicMs = performance.now()
  return { stats, monotonicMs, tookMs: monotonicMs - startedAt }
}

/** On a connection of its own. @returns null when it does not answer in time */
function readSettings({ host, port }: TargetPlace): Promise<Map<string, string> | null> {
  return new Promise((resolve) => {
    let text = ''
    const socket = connect({ host, port }, () => socket.write(SETTINGS_REQUEST))
    const end = (settings: Map<string, string> | null) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(settings)
    }
    const timer = setTimeout(() => end(null), SETTINGS_TIMEOUT_MS)
    socket.on('error', () => end(null)).on('close', () => end(null))
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      const whole = /^([\s\S]*?)END\r\n(.*)\r\n$/.exec(text)
      if (whole === null) return
      const pairs = [...(whole[1] ?? '').matchAll(/^STAT (\S+) (.*)\r$/gm)]
      const settings = new Map(pairs.map(([, name = '', value = '']) => [name, value]))
      // No setting tells of -W; the answer to a watch of nothing does, and adds no watcher.
      if (/not allowed/.test(whole[2] ?? '')) settings.set('watch_enabled', 'no')
      end(settings)
    })
  })
}
