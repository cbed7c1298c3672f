import { describe, expect, it } from 'vitest'
import { Preview } from '../../../core/mitigations/model.ts'
import { previewMitigation } from '../../../core/mitigations/preview.ts'
import {
  keyDraft,
  keyFacts,
  mitigationFacts,
  NOW,
  nodeFacts,
  shardFacts,
  standaloneFacts,
} from '../../support/mitigation-facts.ts'

/** What the collector asks the key's primary for before it does anything. */
const LOOK = ['TYPE', 'PTTL', 'MEMORY USAGE'].map((command) => ({
  node: '10.0.0.2:7000',
  command: `${command} article:42`,
}))

describe('local cache', () => {
  const preview = previewMitigation(mitigationFacts(), keyDraft('local-cache'), NOW)

  it('leaves the servers one read a process and time to live, and one after each write', () => {
    // 12 processes ÷ 2 s less half of the jitter, 12 refetches of 1 write/s, and the write itself.
    expect(preview.keyOpsPerSecAfter).toBeCloseTo(12 / 1.9 + 12 + 1)
    expect(preview.renewalsPerSec).toBeCloseTo(12 / 1.9 + 12)
    expect(preview.after?.map((shard) => Math.round(shard.opsPerSec ?? 0))).toEqual([
      2_000,
      6_000 - 4_500 + 18,
      2_000,
    ])
    expect(preview.hottestOverMeanBefore).toBeCloseTo(1.8)
    expect(preview.hottestOverMeanAfter).toBeLessThan(1.1)
  })

  it('says what it does, how late readers may be, and the way back', () => {
    expect(preview.summary).toBe(
      '12 processes of shop will hold article:42 and answer its reads themselves for 2 s, or until it changes.',
    )
    expect(preview.staleness).toBe(
      'A reader may see a value up to 1 s after it was replaced; where something fails meanwhile, up to 2 s. A process that has written reads its own write.',
    )
    expect(preview.wayBack).toContain('Drain it')
    expect(preview.warnings).toEqual([])
    expect(preview.commands).toEqual([
      ...LOOK,
      { node: 'the cache', command: 'SET {hk:shop}:pol <policy> PX 30000' },
      { node: 'each application process → 10.0.0.2:7000', command: 'CLIENT ID' },
      {
        node: 'each application process → 10.0.0.2:7000',
        command: 'CLIENT TRACKING ON REDIRECT <own id> BCAST PREFIX article:42',
      },
      { node: 'each application process → 10.0.0.2:7000', command: 'SUBSCRIBE __redis__:invalidate' },
    ])
  })

  it('does not promise more than there is to save', () => {
    const cold = mitigationFacts({ key: keyFacts({ readsPerSec: 4, writesPerSec: 0 }) })
    expect(previewMitigation(cold, keyDraft('local-cache'), NOW).keyOpsPerSecAfter).toBeCloseTo(4)
  })

  it('warns where nothing tells of changes', () => {
    const untracked = previewMitigation(
      mitigationFacts(),
      keyDraft('local-cache', { track: false, ttlSeconds: 3, staleSeconds: 2 }),
      NOW,
    )
    expect(untracked.warnings.join()).toContain('Nothing tells the processes of a change')
    expect(untracked.staleness).toContain('up to 5 s after it was replaced. ')
    expect(untracked.commands).toHaveLength(LOOK.length + 1)
  })
})

describe('split', () => {
  const preview = previewMitigation(mitigationFacts(), keyDraft('split'), NOW)

  it('predicts the load where the names really lie', () => {
    expect(preview.variants?.map((variant) => variant.ordinal)).toEqual([2, 3, 1])
    // A third of 4,500 reads each; the fan-out unlinks each copy once a write.
    expect(preview.after?.map((shard) => Math.round(shard.opsPerSec ?? 0))).toEqual([3_501, 3_000, 3_501])
    expect(preview.keyOpsPerSecAfter).toBeCloseTo(1_501)
    expect(preview.hottestOverMeanAfter).toBeCloseTo(1.05, 2)
  })

  it('shows the commands on the nodes that they go to', () => {
    const [copy, other] = (preview.variants?.slice(1) ?? []).map(({ key }) => key)
    const each = (when: string, command: (name: string | undefined) => string) => [
      { node: `10.0.0.3:7000${when}`, command: command(copy) },
      { node: `10.0.0.1:7000${when}`, command: command(other) },
    ]
    expect(preview.commands).toEqual([
      ...LOOK,
      ...each('', (name) => `PTTL ${name}`),
      { node: '10.0.0.2:7000', command: 'CLIENT ID' },
      { node: '10.0.0.2:7000', command: 'CLIENT TRACKING ON REDIRECT <own id> BCAST PREFIX article:42' },
      { node: '10.0.0.2:7000', command: 'SUBSCRIBE __redis__:invalidate' },
      { node: '10.0.0.2:7000', command: 'DUMP article:42' },
      { node: '10.0.0.2:7000', command: 'PTTL article:42' },
      ...each('', (name) => `RESTORE ${name} 5000 <value> REPLACE`),
      { node: 'the cache', command: 'SET {hk:shop}:pol <policy> PX 30000' },
      { node: '10.0.0.2:7000, every second', command: 'PING' },
      { node: '10.0.0.2:7000, every second and at each change', command: 'DUMP article:42' },
      { node: '10.0.0.2:7000, every second and at each change', command: 'PTTL article:42' },
      ...each(', every second', (name) => `DUMP ${name}`),
      {
        node: "10.0.0.2:7000 and the copy's, where their DUMPs differ",
        command: 'GET, LRANGE, SMEMBERS, ZRANGE or HGETALL',
      },
      ...each(', every second', (name) => `PEXPIRE ${name} 5000`),
      ...each(', at each change', (name) => `RESTORE ${name} 5000 <value> REPLACE`),
      { node: 'each writer, after its write', command: `UNLINK ${copy}` },
      { node: 'each writer, after its write', command: `UNLINK ${other}` },
      ...each(', the way back', (name) => `UNLINK ${name}`),
    ])
  })

  it('counts more names than shards where they lie', () => {
    const seven = previewMitigation(mitigationFacts(), keyDraft('split', { variants: 7 }), NOW)
    const perShard = (ordinal: number) =>
      seven.variants?.filter((variant) => variant.ordinal === ordinal).length
    expect([1, 2, 3].map(perShard)).toEqual([2, 3, 2])
    expect(seven.keyOpsPerSecAfter).toBeCloseTo((4_500 * 3) / 7 + 1 + 2)
    expect(seven.warnings.join()).toContain('7 names on 3 shards')
  })

  it('moves only what applications with the library read', () => {
    const key = keyFacts({ client: { at: NOW, readsPerSec: 2_250, writesPerSec: 0 } })
    const half = previewMitigation(
      mitigationFacts({ key, connectionsWithoutLibrary: 4 }),
      keyDraft('split', { writeFanout: false }),
      NOW,
    )
    expect(half.after?.map((shard) => Math.round(shard.opsPerSec ?? 0))).toEqual([2_750, 4_500, 2_750])
    expect(half.warnings.join(' ')).toMatch(/50% of what the servers see.*4 connections without the library/)
  })

  it.each([
    [['GET'], 1, true],
    [['GET', 'XINFO STREAM'], 1, false],
    [['GET', 'HGETALL'], 0, false],
    [['GET', 'SET'], 1, false],
    [['GET'], null, false],
  ] as const)(
    'of %j with %j writes a second: warns of unseen writers %j',
    (commands, writesPerSec, warns) => {
      const key = keyFacts({ commands: [...commands], writesPerSec })
      const { warnings } = previewMitigation(mitigationFacts({ key }), keyDraft('split'), NOW)
      expect(/no counter and no lock/.test(warnings.join())).toBe(warns)
    },
  )

  it('warns of nodes that are full or away', () => {
    const shards = shardFacts().map((shard) =>
      shard.ordinal === 3
        ? {
            ...shard,
            nodes: [nodeFacts({ address: '10.0.0.3:7000', usedMemoryBytes: 199_000_000 })],
          }
        : shard.ordinal === 1
          ? { ...shard, nodes: [nodeFacts({ address: '10.0.0.1:7000', state: 'timeout' })] }
          : shard,
    )
    const warnings = previewMitigation(mitigationFacts({ shards }), keyDraft('split'), NOW).warnings.join(' ')
    expect(warnings).toContain('10.0.0.1:7000 is not up')
    expect(warnings).toContain('10.0.0.3:7000 uses 100% of its memory')
  })
})

describe('replicate', () => {
  it('reads the nodes of the shard, whose load as a whole stays', () => {
    const preview = previewMitigation(mitigationFacts(), keyDraft('replicate'), NOW)
    expect(preview.after).toEqual(preview.before)
    expect(preview.keyOpsPerSecAfter).toBeCloseTo(2_250 + 1)
    expect(preview.nodes).toEqual([
      { nodeId: 102, address: '10.0.0.2:7000', before: 6_000, after: 3_750 },
      { nodeId: 202, address: '10.0.0.2:7001', before: 0, after: 2_250 },
    ])
    expect(preview.staleness).toContain('A process that has written reads its own write')
    expect(preview.variants).toBeNull()
  })

  it('takes copies where there is no replica, and none where there is nothing to take', () => {
    const shards = shardFacts().map((shard) => ({ ...shard, nodes: shard.nodes.slice(0, 1) }))
    const copies = previewMitigation(mitigationFacts({ shards }), keyDraft('replicate'), NOW)
    expect(copies.variants).toHaveLength(3)
    const none = previewMitigation(standaloneFacts(), keyDraft('replicate'), NOW)
    expect(none).toMatchObject({ after: null, variants: null, commands: [], staleness: null })
    expect(none.refusals.map(({ id }) => id)).toEqual(['no-replica-in-sync'])
  })
})

it.each(['local-cache', 'split', 'replicate'] as const)(
  'predicts no load of %s from old figures',
  (action) => {
    const old = mitigationFacts({ key: keyFacts({ at: NOW - 300_000 }) })
    const preview = previewMitigation(old, keyDraft(action), NOW)
    expect(preview).toMatchObject({
      after: null,
      keyOpsPerSecAfter: null,
      hottestOverMeanAfter: null,
      nodes: null,
    })
    expect(preview.before).toHaveLength(3)
    expect(preview.refusals.map(({ id }) => id)).toEqual(['stale-figures'])
  },
)

it.each([
  [
    'local-cache',
    /a local cache pays up to 50 writes\/s and from 10 reads to each, else most reads would be fetched anew/,
  ],
  [
    'split',
    /copies pay up to 5 writes\/s and from 100 reads to each, else most reads would be stale or fetched anew/,
  ],
] as const)('says of a key that is written a lot what %s pays for', (action, message) => {
  const facts = mitigationFacts({ key: keyFacts({ writesPerSec: 200 }) })
  const { refusals } = previewMitigation(facts, keyDraft(action), NOW)
  expect(refusals.map((refusal) => refusal.message)).toEqual([expect.stringMatching(message)])
})

it('says that nobody knows yet who reads it, where the prediction takes all its reads for the library’s', () => {
  const warningsOf = (over: Parameters<typeof keyFacts>[0]) =>
    previewMitigation(mitigationFacts({ key: keyFacts(over) }), keyDraft('split'), NOW).warnings.join()
  expect(warningsOf({ client: null })).toContain('the prediction assumes all of it')
  expect(warningsOf({})).not.toContain('the prediction assumes all of it')
  expect(warningsOf({ client: null, readsPerSec: null, at: null })).not.toContain(
    'the prediction assumes all of it',
  )
})

it('says nothing of loads where nothing is known of the key', () => {
  const key = keyFacts({ at: null, readsPerSec: null, writesPerSec: null, opsPerSec: null })
  const preview = previewMitigation(mitigationFacts({ key }), keyDraft('split'), NOW)
  expect(preview.after).toBeNull()
  expect(preview.keyOpsPerSecAfter).toBeNull()
  expect(preview.variants).toHaveLength(3)
})

it('keeps a key of odd bytes on one line of its commands, and never shows a value', () => {
  const key = keyFacts({}, 'a "b"\r\n')
  const preview = previewMitigation(mitigationFacts({ key }), keyDraft('split', {}, key), NOW)
  expect(preview.commands.map(({ command }) => command)).toContain('DUMP "a \\"b\\"\\r\\n"')
  expect(preview.commands.every(({ command }) => !/[\r\n]/.test(command))).toBe(true)
})

it.each(['local-cache', 'replicate', 'split'] as const)('%s is what the API promises', (action) => {
  const preview = previewMitigation(mitigationFacts(), keyDraft(action), NOW)
  expect(Preview.parse(preview)).toEqual(preview)
})
