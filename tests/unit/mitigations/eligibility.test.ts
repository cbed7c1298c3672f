import { describe, expect, it } from 'vitest'
import { listRefusals, standingRefusals } from '../../../core/mitigations/eligibility.ts'
import type { KeyFacts, MitigationFacts } from '../../../core/mitigations/facts.ts'
import type { KeyAction } from '../../../core/mitigations/model.ts'
import { parseMitigationDraft, targetKeyOf } from '../../../core/mitigations/parse.ts'
import {
  cacheFacts,
  keyDraft,
  keyFacts,
  mitigationFacts,
  NOW,
  nodeFacts,
  shardFacts,
  standaloneFacts,
} from '../../support/mitigation-facts.ts'

const ALL: KeyAction[] = ['local-cache', 'replicate', 'split']

function refusalsOf(facts: MitigationFacts, action: KeyAction, parameters: Record<string, unknown> = {}) {
  return listRefusals(facts, keyDraft(action, parameters, facts.key ?? keyFacts()), NOW)
}
const idsOf = (...args: Parameters<typeof refusalsOf>) =>
  refusalsOf(...args).map(({ id, overridable }) => `${id}${overridable ? '?' : ''}`)

describe('a key that is read a lot', () => {
  it.each(ALL)('may be mitigated by %s', (action) => {
    expect(refusalsOf(mitigationFacts(), action)).toEqual([])
  })
})

/** A question mark: a person may take it on. */
const OF_KEY: [what: string, over: Partial<KeyFacts>, name: string, refused: string[]][] = [
  ['a counter', { commands: ['GET', 'INCR'] }, 'views:42', ['counter']],
  [
    'a counter that is nearly always read',
    { commands: ['GET', 'STRLEN', 'TTL', 'INCR'] },
    'views:42',
    ['counter'],
  ],
  ['a value that is set now and then', { commands: ['GET', 'SET', 'EXPIRE'] }, 'article:42', []],
  ['a lock that is polled', { commands: ['GET', 'SETNX', 'DEL'] }, 'order:9', ['lock']],
  ['a value that a script changes', { commands: ['GET', 'EVALSHA'] }, 'article:42', ['script']],
  [
    'a hash with a counter that a script changes too',
    { commands: ['HGETALL', 'HINCRBY', 'FCALL'] },
    'article:42',
    ['counter', 'script'],
  ],
  ['a list that is mostly looked at', { commands: ['LRANGE', 'RPUSH', 'LPOP'] }, 'jobs', ['queue']],
  ['a hash of counters', { commands: ['HINCRBY'] }, 'stats', ['counter']],
  ['a lock by command', { commands: ['SETNX'] }, 'order:9', ['lock']],
  ['compare and set', { commands: ['WATCH', 'GET'] }, 'stock:9', ['compare-and-set']],
  ['a script', { commands: ['EVALSHA'] }, 'article:42', ['script']],
  ['a stream', { commands: ['XADD', 'XREAD'] }, 'events', ['stream']],
  ['a blocking list', { commands: ['BLPOP'] }, 'jobs', ['blocking']],
  ['a queue', { commands: ['RPOP'] }, 'jobs', ['queue']],
  ['a part of MGET', { commands: ['GET', 'MGET'] }, 'article:42', ['multi-key?']],
  ['a session', {}, 'session:9', ['sensitive?']],
  ['a lock by SET NX, by its name', { commands: ['SET', 'DEL'] }, 'lock:order:9', ['lock-name']],
  ['the lock of a session', {}, 'session:9:lock', ['lock-name', 'sensitive?']],
  ['a token', {}, 'user:9:token', ['sensitive?']],
  ['a big value', { sizeBytes: 300_000 }, 'article:42', ['big-value']],
  ['a value at the limit', { sizeBytes: 262_144 }, 'article:42', []],
  ['a missing key', { isMissing: true, sizeBytes: null }, 'article:42', ['missing']],
  ['another database', { db: 3 }, 'article:42', ['database']],
  ['a copy', {}, '{hk0.4}:article:42', ['own-key']],
  ['no report', { at: null, readsPerSec: null, writesPerSec: null }, 'article:42', ['unknown-figures?']],
  ['a source without rates', { source: 'lfu', readsPerSec: null }, 'article:42', ['unknown-figures?']],
  ['an old report', { at: NOW - 5 * 60_000 }, 'article:42', ['stale-figures?']],
  ['a report of half a minute ago', { at: NOW - 30_000 }, 'article:42', []],
  ['a counter with a session name', { commands: ['INCR'] }, 'session:9', ['counter', 'sensitive?']],
]

describe.each(ALL)('%s', (action) => {
  it.each(OF_KEY)('of %s', (_, over, name, refused) => {
    expect(idsOf(mitigationFacts({ key: keyFacts(over, name) }), action)).toEqual(refused)
  })

  it('says in each refusal what to do instead', () => {
    for (const [, over, name] of OF_KEY) {
      for (const { message } of refusalsOf(mitigationFacts({ key: keyFacts(over, name) }), action)) {
        expect(message).toMatch(/[:,] .{10,}\.$/)
      }
    }
  })
})

const WRITES: [reads: number, writes: number | null, local: string[], copies: string[]][] = [
  [4_500, 0, [], []],
  [4_500, null, [], []],
  [4_500, 5, [], []],
  [4_500, 7, [], ['write-heavy?']],
  [4_500, 11, [], ['write-heavy']],
  [300, 2, [], []],
  [150, 2, [], ['write-heavy?']],
  [90, 2, [], ['write-heavy']],
  [1_000, 60, ['write-heavy?'], ['write-heavy']],
  [9_000, 200, ['write-heavy'], ['write-heavy']],
  [15, 2, ['write-heavy?'], ['write-heavy']],
]
it.each(WRITES)('%d reads and %d writes a second: local %j, copies %j', (reads, writes, local, copies) => {
  const facts = mitigationFacts({ key: keyFacts({ readsPerSec: reads, writesPerSec: writes }) })
  expect(idsOf(facts, 'local-cache')).toEqual(local)
  expect(idsOf(facts, 'split')).toEqual(copies)
  expect(idsOf(facts, 'replicate')).toEqual(copies)
})

const lagging = (): MitigationFacts =>
  mitigationFacts({
    shards: shardFacts().map((shard) => ({
      ...shard,
      nodes: shard.nodes.map((node) => (node.role === 'replica' ? { ...node, lagSeconds: 9 } : node)),
    })),
  })

const PLACES: [string, MitigationFacts, KeyAction, Record<string, unknown>, string[]][] = [
  ['split on one node', standaloneFacts(), 'split', {}, ['one-shard']],
  ['split on one shard with replicas', standaloneFacts(2), 'split', {}, ['one-shard']],
  ['copies on one shard', standaloneFacts(1), 'replicate', { by: 'copies' }, ['one-shard']],
  ['replicate without a replica', standaloneFacts(), 'replicate', {}, ['no-replica-in-sync']],
  [
    'replicate with one in sync, that no client knows',
    standaloneFacts(1),
    'replicate',
    {},
    ['replicas-unknown?'],
  ],
  [
    'replicate with one in sync, by Sentinel',
    standaloneFacts(1, { cache: cacheFacts({ kind: 'sentinel' }) }),
    'replicate',
    {},
    [],
  ],
  ['local cache on one node', standaloneFacts(), 'local-cache', {}, []],
  ['replicas that lag', lagging(), 'replicate', { by: 'replicas' }, ['no-replica-in-sync']],
  ['auto, where replicas lag: copies', lagging(), 'replicate', {}, []],
  [
    'a cluster of one shard',
    mitigationFacts({ shards: shardFacts(1), key: keyFacts({ ownerShardId: 11 }) }),
    'split',
    {},
    ['one-shard'],
  ],
]
it.each(PLACES)('%s', (_, facts, action, parameters, refused) => {
  expect(idsOf(facts, action, parameters)).toEqual(refused)
})

const CACHES: [string, Partial<MitigationFacts>, string[]][] = [
  ['switched off', { cache: cacheFacts({ mitigationsEnabled: false }) }, ['switched-off']],
  ['memcached', { cache: cacheFacts({ kind: 'memcached' }) }, ['engine']],
  ['dax', { cache: cacheFacts({ kind: 'dax' }) }, ['engine']],
  ['no collector', { cache: cacheFacts({ health: 'stale', healthReason: 'No news.' }) }, ['no-collector']],
  ['down', { cache: cacheFacts({ health: 'down', healthReason: 'Shard 2 is down.' }) }, ['cache-down']],
  ['a failover just now', { cache: cacheFacts({ failoverAt: NOW - 4_000 }) }, ['failover']],
  ['a failover a while ago', { cache: cacheFacts({ failoverAt: NOW - 60_000 }) }, []],
  ['no owner', { key: keyFacts({ ownerShardId: null }) }, ['owner-unknown']],
  ['nobody has the library', { apps: [] }, ['no-library']],
  [
    'the library is switched off',
    { apps: [{ app: 'shop', instances: 2, hosts: ['a'], library: 'x', disabled: 2 }] },
    ['library-disabled'],
  ],
]
it.each(CACHES)('%s', (_, over, refused) => {
  expect(idsOf(mitigationFacts(over), 'local-cache')).toEqual(refused)
})

describe('another mitigation', () => {
  const running = (target: Parameters<typeof targetKeyOf>[0]['target'], action: KeyAction | 'failover') => ({
    mitigationId: 7,
    action,
    target,
    targetKey: targetKeyOf({ action, target, parameters: {} }),
    parameters: {},
    label: 'article:42',
    phase: 'active' as const,
    expiresAt: NOW + 60_000,
    isMeasured: false,
  })
  const key = keyFacts()
  const onKey = { kind: 'key' as const, db: 0, keyBase64: key.keyBase64 }

  it('of the same key is in the way, whatever its action', () => {
    const facts = mitigationFacts({ running: [running(onKey, 'split')] })
    expect(idsOf(facts, 'local-cache')).toEqual(['running'])
    expect(refusalsOf(facts, 'local-cache')[0]).toMatchObject({
      message: expect.stringContaining('Mitigation 7 (split) runs on article:42'),
      mitigationId: 7,
    })
  })

  it('of another key or a shard is not', () => {
    const other = { ...onKey, keyBase64: keyFacts({}, 'article:43').keyBase64 }
    const facts = mitigationFacts({
      running: [running(other, 'split'), running({ kind: 'shard', shardId: 12 }, 'failover')],
    })
    expect(idsOf(facts, 'local-cache')).toEqual([])
  })
})

it('asks of the servers alone only what holds for all', () => {
  const parsed = parseMitigationDraft({
    cacheId: 'shop',
    action: 'failover',
    target: { kind: 'shard', shardId: 12 },
  })
  if (!parsed.ok) throw new Error('the draft parses')
  const facts = mitigationFacts({
    key: null,
    apps: [],
    cache: cacheFacts({ health: 'down' }),
    shards: shardFacts().map((shard) => ({ ...shard, nodes: [nodeFacts({ state: 'refused' })] })),
  })
  expect(listRefusals(facts, parsed.value, NOW)).toEqual([])
})

it('tells first what nobody may override, and takes away what was taken on', () => {
  const facts = mitigationFacts({
    key: keyFacts({ at: null, readsPerSec: null, sizeBytes: 1_000_000 }, 'session:9'),
  })
  const refusals = refusalsOf(facts, 'split')
  expect(refusals.map(({ id }) => id)).toEqual(['big-value', 'sensitive', 'unknown-figures'])
  expect(standingRefusals(refusals, ['sensitive', 'big-value']).map(({ id }) => id)).toEqual([
    'big-value',
    'unknown-figures',
  ])
})
