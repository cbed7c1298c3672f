/** What is read of the heartbeats that anybody may have written: under their own names, bounded, the newest first. */
import { describe, expect, it } from 'vitest'
import { NodeFailure } from '../../../collector/connection/failure.ts'
import { HeartbeatReader } from '../../../collector/mitigations/heartbeats.ts'
import { APPS_KEY, instanceKey, instancesKey } from '../../../core/protocol/policy.ts'
import { clientCounts, heartbeatOf } from '../../support/heartbeat.ts'

const NOW = Date.parse('2026-01-01T00:00:00Z')
const ADDRESS = '127.0.0.1:1'

/** A server with these lists and strings; every command that it was sent. */
function world(lists: Record<string, string[]>, texts: Record<string, string>, isReadOnly = false) {
  const sent: string[] = []
  const call = async (command: string, ...args: unknown[]): Promise<unknown> => {
    sent.push([command, ...args].join(' '))
    const key = String(args[0])
    if (command === 'ZREVRANGEBYSCORE') return (lists[key] ?? []).slice(0, Number(args[5]))
    if (command === 'ZREMRANGEBYSCORE') {
      if (isReadOnly) throw new NodeFailure({ state: 'denied', message: 'no' }, 'NOPERM')
      return 0
    }
    if (texts[key] === 'a list') throw new NodeFailure({ state: 'error', message: 'no' }, 'WRONGTYPE')
    return (texts[key] ?? '').slice(Number(args[1]), Number(args[2]) + 1)
  }
  let elapsedMs = 0
  const reader = new HeartbeatReader({
    nodes: { node: async () => ({ address: ADDRESS, call, callBuffer: call }) },
    slots: { primaryOf: () => ADDRESS, noteFailure: () => false },
    clock: { now: () => NOW + elapsedMs, monotonic: () => elapsedMs },
    onCommand: () => {},
  })
  return { reader, sent, pass: (ms: number) => (elapsedMs += ms) }
}

const beat = (instanceId: string, more: object = {}) =>
  JSON.stringify({ ...heartbeatOf(instanceId, NOW, clientCounts({})), ...more })

describe('heartbeats', () => {
  it('count under their own name alone, and a key of another kind is in nobody`s way', async () => {
    const { reader } = world(
      { [APPS_KEY]: ['shop', 'a b'], [instancesKey('shop')]: ['a', 'copy', 'other', 'list', 'gone'] },
      {
        [instanceKey('shop', 'a')]: beat('a'),
        [instanceKey('shop', 'copy')]: beat('a'),
        [instanceKey('shop', 'other')]: beat('other', { app: 'elsewhere' }),
        [instanceKey('shop', 'list')]: 'a list',
      },
    )
    const [shop, ...others] = await reader.read()
    expect(others).toEqual([])
    expect(shop?.seen.map(({ heartbeat }) => heartbeat.instanceId)).toEqual(['a'])
  })

  it('are not fetched whole where they are larger than one may be', async () => {
    const { reader, sent } = world(
      { [APPS_KEY]: ['shop'], [instancesKey('shop')]: ['large'] },
      { [instanceKey('shop', 'large')]: beat('large', { more: 'x'.repeat(1_000_000) }) },
    )
    expect((await reader.read())[0]?.seen).toEqual([])
    expect(sent).toContain(`GETRANGE ${instanceKey('shop', 'large')} 0 65536`)
  })

  it('are bounded over all applications', async () => {
    const apps = ['one', 'two', 'three', 'four']
    const ids = Array.from({ length: 3_000 }, (_, at) => `i${at}`)
    const lists = Object.fromEntries(apps.map((app) => [instancesKey(app), ids]))
    const { reader, sent } = world({ ...lists, [APPS_KEY]: apps }, {})
    await reader.read()
    expect(sent.filter((line) => line.startsWith('GETRANGE'))).toHaveLength(5_000)
  })

  it('of long ago are taken out of the lists once a minute, where that is allowed', async () => {
    const lists = { [APPS_KEY]: ['shop'], [instancesKey('shop')]: ['a'] }
    const trims = (sent: string[]) => sent.filter((line) => line.startsWith('ZREM'))
    const { reader, sent, pass } = world(lists, { [instanceKey('shop', 'a')]: beat('a') })
    await reader.read()
    await reader.read()
    expect(trims(sent)).toEqual([
      `ZREMRANGEBYSCORE hk:apps -inf (${NOW - 600_000}`,
      `ZREMRANGEBYSCORE {hk:shop}:insts -inf (${NOW - 600_000}`,
    ])
    pass(60_000)
    await reader.read()
    expect(trims(sent)).toHaveLength(4)
    const denied = world(lists, { [instanceKey('shop', 'a')]: beat('a') }, true)
    expect((await denied.reader.read())[0]?.seen).toHaveLength(1)
  })
})
