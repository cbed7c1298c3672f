import { describe, expect, it } from 'vitest'
import type { Measures, Proof } from '../../../core/mitigations/measures.ts'
import type { MitigationAction, Preview } from '../../../core/mitigations/model.ts'
import { previewMitigation } from '../../../core/mitigations/preview.ts'
import { decide } from '../../../core/mitigations/proof.ts'
import { keyDraft, mitigationFacts, NOW } from '../../support/mitigation-facts.ts'

type Over = Partial<Measures> & { loads?: [number, number, number] }

/** Of the cluster of tests/support/mitigation-facts.ts: article:42 makes 4,500 of the second shard's 6,000. */
function measures({ loads = [2_000, 6_000, 2_000], ...over }: Over = {}): Measures {
  const sum = loads[0] + loads[1] + loads[2]
  return {
    from: new Date(NOW).toISOString(),
    to: new Date(NOW + 60_000).toISOString(),
    keyOpsPerSec: 4_500,
    keyReadsByAppPerSec: null,
    localHitsPerSec: null,
    shards: loads.map((opsPerSec, index) => ({ shardId: 11 + index, ordinal: index + 1, opsPerSec })),
    hottestOverMean: (Math.max(...loads) * 3) / sum,
    ...p99(900),
    hitRate: 0.95,
    missesPerSec: 100,
    cpuShare: 0.6,
    netOutBytesPerSec: 4_000_000,
    instances: null,
    nameOpsPerSec: null,
    keyPrimaryOpsPerSec: null,
    errorsPerSec: 1,
    libraryErrorsPerSec: null,
    ...over,
  }
}

/** As of so many timed reads that there is little doubt of it. */
function p99(us: number, timedReads = 100_000): Partial<Measures> & { p99Us: number } {
  return { p99Us: us, p99LowUs: us * 0.95, p99HighUs: us * 1.05, timedReads }
}

function decideOf(
  action: MitigationAction,
  after: Measures | Measures[],
  over: {
    before?: Measures | null
    preview?: Preview | null
    divergence?: Proof['divergence']
    parameters?: Record<string, unknown>
  } = {},
) {
  const draft = keyDraft(action, over.parameters ?? {})
  return decide({
    action,
    parameters: draft.parameters,
    before: over.before === undefined ? measures() : over.before,
    preview: over.preview === undefined ? previewMitigation(mitigationFacts(), draft, NOW) : over.preview,
    after: [after].flat(),
    divergence: over.divergence ?? null,
  })
}

const LOCAL: [string, Over, verdict: string, because: RegExp][] = [
  [
    'what was predicted',
    { keyOpsPerSec: 15, localHitsPerSec: 4_485, keyReadsByAppPerSec: 4_500, instances: 12 },
    'worked',
    /asked for the key 15\/s of the 4\.5 k\/s .*before: 4\.5 k\/s\); 12 processes should leave about 18\/s\. 100%/,
  ],
  [
    'off the list of hot keys: by the applications’ counts',
    { keyOpsPerSec: null, localHitsPerSec: 4_400, keyReadsByAppPerSec: 4_450, instances: 12 },
    'worked',
    /50\/s of the 4\.45 k\/s/,
  ],
  [
    'half of the readers have no library: of the other half all is held that can be',
    { keyOpsPerSec: 2_260, localHitsPerSec: 2_240, keyReadsByAppPerSec: 2_250, instances: 12 },
    'worked',
    /should leave about 2\.27 k\/s; 2\.25 k\/s are not read through the library\. 100%/,
  ],
  [
    'half of the readers have no library, and the other half holds little',
    { keyOpsPerSec: 4_000, localHitsPerSec: 500, keyReadsByAppPerSec: 2_250, instances: 12 },
    'no-effect',
    /Only 22% of the predicted/,
  ],
  [
    'all reads are of the library, and half of them are held',
    { keyOpsPerSec: 2_260, localHitsPerSec: 2_240, keyReadsByAppPerSec: 4_500, instances: 12 },
    'no-effect',
    /Only 50% of the predicted/,
  ],
  [
    'nothing is held',
    { keyOpsPerSec: 4_500, localHitsPerSec: 0, keyReadsByAppPerSec: 4_500, instances: 12 },
    'no-effect',
    /Only 0% of the predicted effect/,
  ],
  [
    'demand doubled: the servers see more than before only because more is asked for',
    { keyOpsPerSec: 30, localHitsPerSec: 8_970, keyReadsByAppPerSec: 9_000, instances: 12 },
    'worked',
    /30\/s of the 9 k\/s/,
  ],
  [
    'demand tripled and nothing is held: no success of ours, and no harm either',
    { keyOpsPerSec: 13_500, localHitsPerSec: 0, keyReadsByAppPerSec: 13_500, instances: 12, cpuShare: 0.99 },
    'no-effect',
    /Only 0%/,
  ],
  [
    'the article faded',
    { keyOpsPerSec: 20, localHitsPerSec: 30, keyReadsByAppPerSec: 50, instances: 12 },
    'unknown',
    /cooled by itself: it is asked for 50\/s instead of 4\.5 k\/s/,
  ],
  [
    'the article fell asleep',
    { keyOpsPerSec: null, localHitsPerSec: 0, keyReadsByAppPerSec: 0, instances: 12 },
    'unknown',
    /cooled by itself/,
  ],
  [
    'so many processes that they renew it as often as it is read',
    { keyOpsPerSec: 2_900, localHitsPerSec: 100, keyReadsByAppPerSec: 3_000, instances: 6_000 },
    'unknown',
    /A longer time to live/,
  ],
  ['nobody tells anything', { keyOpsPerSec: null }, 'unknown', /Neither the servers nor the applications/],
]

describe('local cache', () => {
  it.each(LOCAL)('%s', (_, after, verdict, because) => {
    const decision = decideOf('local-cache', measures(after))
    expect(decision.verdict).toBe(verdict)
    expect(decision.because).toMatch(because)
  })

  it('can be judged without a window before', () => {
    const after = measures({ keyOpsPerSec: 15, localHitsPerSec: 4_485, instances: 12 })
    expect(decideOf('local-cache', after, { before: null, preview: null }).verdict).toBe('worked')
  })
})

const SPLIT: [string, Over, verdict: string, because: RegExp, before?: Over][] = [
  [
    'an even split',
    { loads: [3_500, 3_000, 3_500], nameOpsPerSec: [1_500, 1_500, 1_500], keyReadsByAppPerSec: 4_500 },
    'worked',
    /carries 1\.05× the mean; without the copies it would be 1\.8×.*\(before: 1\.8×\).*evenly/,
  ],
  [
    'nobody reads the copies',
    { loads: [2_000, 6_000, 2_000], nameOpsPerSec: [4_500, 0, 0], keyReadsByAppPerSec: 4_500 },
    'no-effect',
    /Only 0% of the predicted effect came true/,
  ],
  [
    'demand tripled, and is spread',
    {
      loads: [6_500, 6_000, 6_500],
      keyOpsPerSec: 13_500,
      nameOpsPerSec: [4_500, 4_500, 4_500],
      keyReadsByAppPerSec: 13_500,
    },
    'worked',
    /13\.5 k\/s together/,
  ],
  [
    'the article faded while nobody read the copies: no success',
    { loads: [2_000, 1_600, 2_000], keyOpsPerSec: 100, nameOpsPerSec: [100, 0, 0], keyReadsByAppPerSec: 100 },
    'unknown',
    /cooled by itself/,
  ],
  [
    'another key is what makes a shard hot now',
    {
      loads: [2_000, 2_400, 9_000],
      keyOpsPerSec: 1_000,
      nameOpsPerSec: [334, 333, 333],
      keyReadsByAppPerSec: 1_000,
    },
    'unknown',
    /not what makes a shard hot/,
  ],
  [
    'one copy takes it all',
    { loads: [2_000, 1_500, 6_500], nameOpsPerSec: [0, 4_500, 0], keyReadsByAppPerSec: 4_500 },
    'no-effect',
    /unevenly \(the most read 3× their mean\)/,
  ],
  [
    '45% of a key of 10,000/s is read with the library, and spread as predicted',
    {
      loads: [2_500, 8_000, 2_500],
      keyOpsPerSec: 10_000,
      nameOpsPerSec: [1_500, 1_500, 1_500],
      keyReadsByAppPerSec: 4_500,
    },
    'worked',
    /carries 1\.85× the mean; without the copies it would be 2\.54×, with even ones 1\.85×.*4\.5 k\/s together; 5\.5 k\/s are not read through the library\. 100%/,
  ],
  [
    '45% of it is read with the library, and stays at the key',
    {
      loads: [1_000, 11_000, 1_000],
      keyOpsPerSec: 10_000,
      nameOpsPerSec: [4_500, 0, 0],
      keyReadsByAppPerSec: 4_500,
    },
    'no-effect',
    /Only 0%/,
  ],
  [
    'prepared with other names than in the preview: two, on the first and the second shard',
    {
      loads: [4_250, 3_750, 2_000],
      nameOpsPerSec: [2_250, 2_250],
      nameShardIds: [12, 11],
      keyReadsByAppPerSec: 4_500,
    },
    'worked',
    /Its 2 names are read evenly.*100%/,
  ],
  [
    'no counts of names, of a key that half cooled',
    { loads: [2_000, 3_000, 2_000], keyOpsPerSec: 2_250 },
    'unknown',
    /is 50% of what it was: a key that cools looks the same/,
  ],
  [
    'no counts of names, and nobody knew the key before',
    { loads: [3_500, 3_000, 3_500], keyOpsPerSec: 4_500 },
    'unknown',
    /was not known before/,
    { keyOpsPerSec: null },
  ],
  ['no counts of names: by the shards', { loads: [3_500, 3_000, 3_500] }, 'worked', /instead of 1\.8×/],
  ['no counts of names, and nothing fell', {}, 'no-effect', /Only 0%/],
]

describe('split', () => {
  it.each(SPLIT)('%s', (_, after, verdict, because, before) => {
    const decision = decideOf('split', measures(after), { before: measures(before) })
    expect(decision.because).toMatch(because)
    expect(decision.verdict).toBe(verdict)
  })
})

describe('replicas', () => {
  it.each([
    ['shared', 2_300, 'worked', /primary answers 2\.3 k\/s of the 4\.5 k\/s.*evenly over 2 nodes/],
    ['all on the primary', 4_500, 'no-effect', /Only 0%/],
    ['not told', null, 'unknown', /not told/],
  ] as const)('%s', (_, keyPrimaryOpsPerSec, verdict, because) => {
    const decision = decideOf('replicate', measures({ keyPrimaryOpsPerSec }))
    expect(decision.verdict).toBe(verdict)
    expect(decision.because).toMatch(because)
  })

  it.each([
    [
      1_800,
      3_600,
      'worked',
      /evenly over 2 nodes it would be 3\.6 k\/s; 2\.7 k\/s are not read through the library/,
    ],
    [1_800, 4_400, 'no-effect', /Only 11%/],
    [400, 4_300, 'unknown', /Too little of it/],
  ] as const)(
    'of %d/s that the library reads, %d/s stay on the primary',
    (reads, onPrimary, verdict, because) => {
      const after = measures({ keyPrimaryOpsPerSec: onPrimary, keyReadsByAppPerSec: reads })
      const decision = decideOf('replicate', after)
      expect(decision.verdict).toBe(verdict)
      expect(decision.because).toMatch(because)
    },
  )

  it('are what was prepared, whatever the preview said', () => {
    const split = previewMitigation(mitigationFacts(), keyDraft('split'), NOW)
    const after = measures({ keyPrimaryOpsPerSec: 2_300, nameShardIds: [12] })
    expect(decideOf('replicate', after, { preview: split }).because).toMatch(
      /nodes of its shard was not told/,
    )
  })
})

const good: Over = {
  loads: [2_000, 1_515, 2_000],
  keyOpsPerSec: 15,
  localHitsPerSec: 4_485,
  keyReadsByAppPerSec: 4_500,
  instances: 12,
}
const at = (seconds: number) => new Date(NOW + seconds * 1_000).toISOString()

describe('harm', () => {
  it.each<[string, Over, RegExp | null]>([
    [
      'p99 is clearly worse',
      p99(8_000),
      /wait 8 ms at the 99th percentile instead of 900 µs.* \(100 k timed reads against 100 k\)/,
    ],
    ['p99 doubled, of little', p99(2_000), null],
    ['p99 is worse, but may have been so before', { ...p99(8_000), p99LowUs: 5_000 }, null],
    ['the origin is asked more', { missesPerSec: 400 }, /origin is asked 400\/s instead of 100\/s/],
    ['a few more misses', { missesPerSec: 120 }, null],
    ['errors', { errorsPerSec: 50 }, /answer 50\/s commands with an error instead of 1\/s/],
    ['errors of the library', { libraryErrorsPerSec: 90 }, /library had 90\/s errors in 4\.5 k\/s reads/],
    ['one in a thousand', { libraryErrorsPerSec: 4 }, null],
    ['CPU without demand', { cpuShare: 0.9 }, /90% of its CPU instead of 60%/],
  ])('%s', (_, after, because) => {
    const window = measures({ ...good, ...after })
    const decision = decideOf('local-cache', [window, window])
    expect(decision.verdict).toBe(because === null ? 'worked' : 'harmful')
    if (because !== null) expect(decision.because).toMatch(because)
  })

  it('allows for growth of demand: three times the misses of three times the demand', () => {
    const grown = { ...good, localHitsPerSec: 13_485, keyReadsByAppPerSec: 13_500, missesPerSec: 300 }
    expect(decideOf('local-cache', measures(grown)).verdict).toBe('worked')
  })

  it.each<[string, Over, Over]>([
    [
      'four times the demand makes readers wait',
      {},
      { localHitsPerSec: 17_985, keyReadsByAppPerSec: 18_000 },
    ],
    ['so does twice the load of others', {}, { loads: [6_000, 8_000, 6_000] }],
    ['too few reads were timed before', p99(900, 499), {}],
    ['too few were timed after', {}, p99(90_000, 499)],
    ['it may have been as much before', { ...p99(900, 600), p99HighUs: 40_000 }, {}],
    ['nobody tells of more than it', { p99LowUs: null, p99HighUs: null, timedReads: 0 }, {}],
  ])('is none of p99 where %s', (_, before, after) => {
    const slow = measures({ ...good, ...p99(90_000), ...after })
    expect(decideOf('local-cache', [slow, slow], { before: measures(before) }).verdict).toBe('worked')
  })

  it('is p99 of enough timed reads, of a demand that stayed', () => {
    const slow = measures({ ...good, ...p99(90_000) })
    const decision = decideOf('local-cache', [slow, slow], { before: measures(p99(900, 500)) })
    expect(decision).toMatchObject({
      verdict: 'harmful',
      because: expect.stringContaining('no more is asked'),
    })
  })

  it('allows for growth of the rest: a cache that does three times as much may miss three times as much', () => {
    const grown: Over = { ...good, loads: [6_000, 18_000, 6_000], missesPerSec: 290 }
    expect(decideOf('local-cache', measures(grown)).verdict).toBe('worked')
  })

  it('is a copy that differs without a break for two leases, also while a node is lost', () => {
    const divergence = { probes: 60, diverged: 50, since: at(-5) }
    const lost = measures({ incident: '10.0.0.1:7000 was down.' })
    expect(decideOf('split', lost, { divergence }).verdict).toBe('harmful')
    const split = measures({ loads: [3_500, 3_000, 3_500], nameOpsPerSec: [1_500, 1_500, 1_500] })
    expect(decideOf('split', split, { divergence })).toMatchObject({
      verdict: 'harmful',
      because: expect.stringContaining('65 s without a break (50 of 60 comparisons)'),
    })
    expect(decideOf('split', split, { divergence: { ...divergence, since: at(30) } }).verdict).toBe('worked')
    expect(decideOf('split', split, { divergence: { ...divergence, since: null } }).verdict).toBe('worked')
  })

  it('is not what a denied user is answered', () => {
    const user = (connections: number) => ({ user: { connections, opsPerSec: null, refusals: 0 } })
    const before = measures({ observed: user(2) })
    const after = measures({ errorsPerSec: 500, cpuShare: 0.3, observed: user(0) })
    const over = { before, parameters: { username: 'app' } }
    expect(decideOf('deny-user', after, over).verdict).toBe('worked')
  })

  it.each([
    ['failover', {}, 'worked'],
    ['move-slot', { slot: 1, toShardId: 13 }, 'worked'],
    ['kill-client', { clientId: 7 }, 'harmful'],
  ] as const)('of a %s with %j, answers of errors are none, or are harm', (action, parameters, verdict) => {
    const after = measures({ errorsPerSec: 500, loads: [4_000, 3_000, 3_000] })
    expect(decideOf(action, after, { parameters, preview: null }).verdict).toBe(verdict)
  })

  it('cannot be told without a window before', () => {
    expect(decideOf('local-cache', measures({ ...good, ...p99(90_000) }), { before: null }).verdict).toBe(
      'worked',
    )
  })
})

describe('two windows', () => {
  const bad = { ...good, keyOpsPerSec: 4_500, localHitsPerSec: 0 }
  const faded = { ...good, keyOpsPerSec: 5, localHitsPerSec: 15, keyReadsByAppPerSec: 20 }
  const away = { incident: '10.0.0.1:7000 was down.' }
  const lost = { ...good, ...p99(90_000), errorsPerSec: 9_000, ...away }
  const slow = { ...good, ...p99(9_000) }
  const errors = { ...good, errorsPerSec: 50 }
  it.each<[string, Over, Over, string, RegExp]>([
    ['agree', good, good, 'worked', /Both windows agree\.$/],
    ['the second corrects', good, bad, 'no-effect', /before had said: it worked/],
    ['the second corrects for the better', bad, good, 'worked', /before had said: it has no effect/],
    ['the second finds harm', good, errors, 'harmful', /before had said: it worked/],
    ['readers wait in both', slow, slow, 'harmful', /wait 9 ms at the 99th percentile instead of 900 µs/],
    ['readers wait in the first alone', slow, good, 'worked', /came true\.$/],
    [
      'readers wait in the second alone',
      good,
      slow,
      'worked',
      /could not tell: Its readers wait 9 ms .*if the next/,
    ],
    [
      'the first did harm, and the second is slow',
      errors,
      slow,
      'harmful',
      /could not tell: Its readers wait/,
    ],
    [
      'what the first waited may have been a lost node',
      { ...slow, ...away },
      slow,
      'unknown',
      /wait 9 ms.*if the next/,
    ],
    ['the second cannot tell', good, faded, 'worked', /second window could not tell: The key cooled/],
    ['the first could not tell', faded, good, 'worked', /came true\.$/],
    ['neither can tell', faded, faded, 'unknown', /cooled/],
    ['a node was lost in the second', good, lost, 'worked', /could not tell: 10\.0\.0\.1:7000 was down\./],
    ['a node was lost in the first', lost, good, 'worked', /came true\.$/],
  ])('%s', (_, first, second, verdict, because) => {
    const decision = decideOf('local-cache', [measures(first), measures(second)])
    expect(decision.verdict).toBe(verdict)
    expect(decision.because).toMatch(because)
  })

  it('are waited for where readers wait: the first alone cannot tell', () => {
    const decision = decideOf('local-cache', measures(slow))
    expect(decision.verdict).toBe('unknown')
    expect(decision.because).toMatch(/wait 9 ms .* It does harm if the next window has it as well\.$/)
  })

  it('are none at first', () => {
    expect(decideOf('local-cache', [])).toMatchObject({ verdict: 'unknown' })
  })
})

const SERVER: [string, MitigationAction, Over, Over, verdict: string, because: RegExp][] = [
  [
    'a slot that moved',
    'move-slot',
    {},
    { loads: [4_000, 3_000, 3_000] },
    'worked',
    /1\.2× instead of 1\.8×/,
  ],
  ['a slot that did not help', 'move-slot', {}, {}, 'no-effect', /1\.8× instead of 1\.8×/],
  ['more memory', 'set-config', {}, { hitRate: 0.98 }, 'worked', /2% instead of 5%/],
  ['more memory for nothing', 'set-config', {}, {}, 'no-effect', /5% instead of 5%/],
  ['fewer misses of less', 'set-config', {}, { missesPerSec: 40 }, 'no-effect', /5% instead of 5%/],
  ['spread, and nothing yet', 'spread-ttls', {}, {}, 'unknown', /when the keys expire/],
  ['a failover', 'failover', { loads: [2_000, 0, 2_000] }, {}, 'worked', /All 3 shards .*before: 4 k\/s/],
  ['a failover in vain', 'failover', {}, { loads: [2_000, 0, 2_000] }, 'no-effect', /1 answer no commands/],
  [
    'a failover beside an idle shard',
    'failover',
    { loads: [0, 6_000, 2_000] },
    { loads: [0, 6_000, 2_000] },
    'worked',
    /All 2 shards answer commands that are asked for any \(1 were idle before too\)/,
  ],
  [
    'a failover of an idle cache',
    'failover',
    { loads: [0, 0, 0], hottestOverMean: null },
    { loads: [0, 0, 0], hottestOverMean: null },
    'unknown',
    /No shard was asked/,
  ],
  ['nothing measured', 'set-config', { hitRate: null }, {}, 'unknown', /not measured/],
]
it.each(SERVER)('%s', (_, action, before, after, verdict, because) => {
  const decision = decide({
    action,
    parameters: {},
    before: measures(before),
    preview: null,
    after: [measures(after)],
    divergence: null,
  })
  expect(decision.because).toMatch(because)
  expect(decision.verdict).toBe(verdict)
})
