/** Who takes part, who lags, what they did, and what an application may send us. */
import { describe, expect, it } from 'vitest'
import {
  acknowledge,
  countConnectionsWithoutLibrary,
  countStrangers,
} from '../../../collector/mitigations/acknowledgement.ts'
import { Sampler } from '../../../collector/mitigations/sampler.ts'
import { parseInfo } from '../../../collector/sources/info.ts'
import type { AppInstance } from '../../../core/mitigations/app-instance.ts'
import { parseHeartbeat, parseHeartbeatJson } from '../../../core/protocol/parse-heartbeat.ts'

const now = Date.parse('2026-01-01T00:00:00Z')
const policy = {
  ...{ id: 'm1', phase: 'active' as const, tracker: 'off' as const, reads: 0, localHits: 0, localMisses: 0 },
  ...{
    variantReads: [0, 0],
    replicaReads: 0,
    fallbacks: 0,
    invalidations: 0,
    errors: 0,
    p50Us: 100,
    p99Us: 900,
  },
}
function instance(instanceId: string, seenMs: number, more: Partial<AppInstance> = {}): AppInstance {
  return {
    ...{ cacheId: 'shop', app: 'web', instanceId, host: `host-${instanceId}`, pid: 1, library: 'x 1' },
    ...{ startedAt: new Date(now).toISOString(), seenAt: new Date(now + seenMs).toISOString() },
    ...{ rev: 5, state: 'applying', errors: 0, policies: [] },
    ...more,
  }
}

describe('acknowledgement', () => {
  it('counts those that have the revision or a later one, and names the others', () => {
    const instances = [
      instance('a', 0),
      instance('b', 0, { rev: 6 }),
      instance('c', 0, { rev: 4 }),
      instance('d', 0, { rev: 0, state: 'disabled' }),
    ]
    const told = acknowledge({ instances, rev: 5, policy: null, connectionsWithoutLibrary: 3, now })
    expect(told).toMatchObject({ applied: 2, instances: 4, connectionsWithoutLibrary: 3 })
    expect(told.laggards.map(({ host, isDisabled }) => [host, isDisabled])).toEqual([
      ['host-c', false],
      ['host-d', true],
    ])
  })

  it('names those that are waited for before those that are switched off, of which it names no more than fit', () => {
    const late = Array.from({ length: 60 }, (_, index) =>
      instance(String(index), 0, { rev: 4, state: index < 30 ? 'disabled' : 'applying' }),
    )
    const told = acknowledge({ instances: late, rev: 5, policy: null, connectionsWithoutLibrary: 0, now })
    expect(told).toMatchObject({ applied: 0, instances: 60 })
    expect(told.laggards).toHaveLength(50)
    expect(told.laggards.filter(({ isDisabled }) => !isDisabled)).toHaveLength(30)
    expect(told.laggards[30]?.isDisabled).toBe(true)
  })

  it('counts who tells of the policy itself: one may be left out of a document that is applied', () => {
    const telling = (id: string, phase: 'prepare' | 'active' | 'draining') =>
      instance(id, 0, { policies: [{ ...policy, id: 'm7', phase }] })
    const instances = [
      telling('a', 'prepare'),
      telling('b', 'active'),
      telling('c', 'draining'),
      instance('d', 0),
    ]
    const late = (phase: 'prepare' | 'active' | 'draining') => {
      const asked = { id: 'm7', phase }
      const told = acknowledge({ instances, rev: 5, policy: asked, connectionsWithoutLibrary: null, now })
      expect(told.applied).toBe(4 - told.laggards.length)
      return told.laggards.map(({ host }) => host)
    }
    expect(late('prepare')).toEqual(['host-b', 'host-c', 'host-d'])
    expect(late('active')).toEqual(['host-a', 'host-c', 'host-d'])
    expect(late('draining')).toEqual(['host-a', 'host-b'])
  })

  it('counts clients that nobody has told of, without our own, replicas, Sentinels and monitors', () => {
    const list = [
      'id=1 addr=10.0.0.1:1 laddr=x name= flags=N',
      'id=2 addr=10.0.0.1:2 laddr=x name=worker flags=P',
      'id=3 addr=10.0.0.1:3 laddr=x name=cachescope flags=N',
      'id=4 addr=10.0.0.1:4 laddr=x name= flags=N',
      'id=5 addr=10.0.0.1:5 laddr=x name= flags=S',
      'id=6 addr=10.0.0.1:6 laddr=x name= flags=O',
      'id=7 addr=10.0.0.1:7 laddr=x name=sentinel-1f2e3d4c-cmd flags=N',
      'id=8 addr=10.0.0.1:8 laddr=x name=sentinel-1f2e3d4c-pubsub flags=P',
      '',
    ].join('\n')
    expect(countStrangers(list, new Set(), new Set(['10.0.0.1:4']))).toBe(2)
    expect(countStrangers(list, new Set(['10.0.0.1:1', '10.0.0.1:2']), new Set())).toBe(1)
  })
})

describe('connections without the library', () => {
  const topology = {
    ...{ cacheId: 'shop', at: 0 },
    shards: ['a:1', 'b:1'].map((address, index) => ({
      ...{ ordinal: index + 1, slots: null },
      nodes: [{ address, role: 'primary' as const, clusterNodeId: null }],
    })),
  }
  async function count(clients: Record<string, string>) {
    const sent: string[] = []
    const call = async (...words: unknown[]) => {
      sent.push(words.join(' '))
      return 'id=1 addr=10.0.0.1:1 name= flags=N'
    }
    const nodes = {
      node: async (_owner: string, address: string) => ({ address, call, callBuffer: call }),
      ownAddresses: new Set<string>(),
    }
    const reading = (address: string) => {
      const told = clients[address]
      return told === undefined ? null : { info: parseInfo(told) }
    }
    return {
      counted: await countConnectionsWithoutLibrary(topology, nodes, new Set(), reading, () => {}),
      sent,
    }
  }

  it('are counted on every primary', async () => {
    const { counted, sent } = await count({ 'a:1': 'connected_clients:5000', 'b:1': 'connected_clients:1' })
    expect(counted).toBe(2)
    expect(sent).toEqual(['CLIENT LIST', 'CLIENT LIST'])
  })

  it.each([
    [
      'has more clients than it is asked to list',
      { 'a:1': 'connected_clients:1', 'b:1': 'connected_clients:5001' },
    ],
    ['has not answered yet', { 'a:1': 'connected_clients:1' }],
    ['does not tell how many it has', { 'a:1': 'connected_clients:1', 'b:1': 'role:master' }],
  ])('are not known where a primary %s, and none is asked', async (_, clients) => {
    expect(await count(clients)).toEqual({ counted: null, sent: [] })
  })
})

describe('a sample', () => {
  const told = (id: string, seenMs: number, reads: number, more: Partial<AppInstance> = {}) =>
    instance(id, seenMs, { policies: [{ ...policy, reads, variantReads: [reads / 2, reads / 2] }], ...more })

  it('is the rate of all instances; one that has told only once is not in it', () => {
    const sampler = new Sampler('m1', 0)
    expect(sampler.sample([told('a', 0, 100), told('b', 0, 0)], null, now)).toBeNull()
    const second = sampler.sample([told('a', 5_000, 600), told('b', 5_000, 50)], null, now)
    expect(second).toMatchObject({ instances: 2, readsPerSec: 110, variantReadsPerSec: [55, 55], p99Us: 900 })
    // No news of b: it goes on as before.
    const third = sampler.sample([told('a', 10_000, 600), told('b', 5_000, 50)], null, now)
    expect(third).toMatchObject({ instances: 2, readsPerSec: 10 })
    // Started again: from nothing.
    const again = told('a', 15_000, 10, { startedAt: new Date(now + 12_000).toISOString() })
    expect(sampler.sample([again], null, now)).toBeNull()
  })
})

describe('a heartbeat', () => {
  const good = {
    ...{ v: 1, app: 'web', instanceId: 'i', host: 'h', pid: 1, library: 'x 1', startedAt: 1, at: 1, rev: 0 },
    ...{ state: 'passing', policies: [], errors: 0, connections: [] },
    hotKeys: { windowMs: 0, commands: 0, sampled: 0, keys: [] },
  }

  it('is taken as it is', () => {
    expect(parseHeartbeat(good)).toEqual({ ok: true, value: good })
  })

  it.each([
    ['another version', { ...good, v: 2 }],
    ['a name that is none', { ...good, app: 'a b' }],
    ['an app with a brace', { ...good, app: 'a}' }],
    ['a host of NUL', { ...good, host: 'a\0' }],
    ['a host without end', { ...good, host: 'h'.repeat(256) }],
    ['negative counts', { ...good, errors: -1 }],
    ['infinite counts', { ...good, hotKeys: { ...good.hotKeys, commands: Number.POSITIVE_INFINITY } }],
    ['too many policies', { ...good, policies: Array.from({ length: 65 }, () => policy) }],
    ['too many connections', { ...good, connections: Array.from({ length: 1_001 }, () => 'a:1') }],
    ['a connection of NUL', { ...good, connections: ['10.0.0.1:5\0'] }],
    ['a connection by name', { ...good, connections: ['localhost:5'] }],
    ['a revision that is no number', { ...good, rev: '5' }],
    ['nothing', null],
  ])('with %s is refused', (_, body) => {
    const parsed = parseHeartbeat(body)
    expect(parsed.ok).toBe(false)
    if (!parsed.ok) expect(parsed.errors[0]?.message).toMatch(/docs\/protocol\.md/)
  })

  it('that is no JSON, or larger than one may be, is none', () => {
    expect(parseHeartbeatJson('{')).toBeNull()
    expect(parseHeartbeatJson(JSON.stringify({ ...good, more: 'x'.repeat(70_000) }))).toBeNull()
    expect(parseHeartbeatJson(JSON.stringify(good))).toEqual(good)
  })
})
