import { expect, it } from 'vitest'
import { advise } from '../../../core/mitigations/advice.ts'
import type { MitigationFacts } from '../../../core/mitigations/facts.ts'
import { KEY_ACTIONS } from '../../../core/mitigations/model.ts'
import { PARAMETERS } from '../../../core/mitigations/parameters.ts'
import {
  cacheFacts,
  keyFacts,
  mitigationFacts,
  NOW,
  shardFacts,
  standaloneFacts,
} from '../../support/mitigation-facts.ts'

const manyProcesses = [
  { app: 'shop', instances: 3_000, hosts: ['faas'], library: '@cachescope/client 0.1.0', disabled: 0 },
]
const withoutReplicas = shardFacts().map((shard) => ({ ...shard, nodes: shard.nodes.slice(0, 1) }))

const CASES: [string, MitigationFacts, action: string | null, because: RegExp, parameters?: object][] = [
  [
    'read by few processes',
    mitigationFacts(),
    'local-cache',
    /read 4\.5 k\/s and written 1\/s.*12 processes.*500 ms/,
    { ttlSeconds: 0.5 },
  ],
  [
    'written every ten seconds',
    mitigationFacts({ key: keyFacts({ writesPerSec: 0.1 }) }),
    'local-cache',
    /hold it for 1 s.*a write comes about every 10 s/,
    { ttlSeconds: 1 },
  ],
  [
    'never written',
    mitigationFacts({ key: keyFacts({ writesPerSec: 0 }) }),
    'local-cache',
    /hardly written/,
    { ttlSeconds: 5 },
  ],
  [
    'writes unknown',
    mitigationFacts({ key: keyFacts({ writesPerSec: null }) }),
    'local-cache',
    /read 4\.5 k\/s/,
    { ttlSeconds: 2 },
  ],
  [
    'read by thousands of processes',
    mitigationFacts({ apps: manyProcesses }),
    'split',
    /3000 processes would save 0% .*3 shards each carries about 1\.5 k\/s/,
  ],
  ['of 200 KiB', mitigationFacts({ key: keyFacts({ sizeBytes: 204_800 }) }), 'split', /would hold 200 KiB/],
  [
    'of 200 KiB on one shard with a replica',
    standaloneFacts(1, {
      cache: cacheFacts({ kind: 'sentinel' }),
      key: keyFacts({ sizeBytes: 204_800, ownerShardId: 11, slot: null }),
    }),
    'replicate',
    /replica in sync/,
  ],
  [
    'of 200 KiB on one shard with a replica, and a little old',
    standaloneFacts(1, {
      cache: cacheFacts({ kind: 'sentinel' }),
      key: keyFacts({ sizeBytes: 204_800, ownerShardId: 11, slot: null, at: NOW - 300_000 }),
    }),
    'replicate',
    /^It was read 4\.5 k\/s and written 1\/s, 5 min ago\. Its shard has a replica in sync/,
  ],
  [
    'of 200 KiB on one node alone: better that than nothing',
    standaloneFacts(0, { key: keyFacts({ sizeBytes: 204_800, ownerShardId: 11, slot: null }) }),
    'local-cache',
    /./,
  ],
  ['written a lot', mitigationFacts({ key: keyFacts({ writesPerSec: 20 }) }), 'local-cache', /written 20\/s/],
  [
    'a counter',
    mitigationFacts({ key: keyFacts({ commands: ['INCR'] }) }),
    null,
    /spread a counter in the application/,
  ],
  ['without the library', mitigationFacts({ apps: [] }), null, /@cachescope\/client/],
  ['of a session', mitigationFacts({ key: keyFacts({}, 'session:9') }), null, /session/],
  ['missing', mitigationFacts({ key: keyFacts({ isMissing: true }) }), null, /does not exist/],
  ['of Memcached', mitigationFacts({ cache: cacheFacts({ kind: 'memcached' }) }), null, /Memcached/],
  [
    'a little old',
    mitigationFacts({ key: keyFacts({ at: NOW - 300_000 }) }),
    'local-cache',
    /^It was read 4\.5 k\/s and written 1\/s, 5 min ago, with 480 B, so 12 processes .* would have left the servers/,
  ],
  [
    'a little old, read by thousands of processes',
    mitigationFacts({ apps: manyProcesses, key: keyFacts({ at: NOW - 300_000 }) }),
    'split',
    /^It was read .*5 min ago.* would have saved 0% .*each would have carried about 1\.5 k\/s/,
  ],
  [
    'written a lot and read by thousands of processes',
    mitigationFacts({ apps: manyProcesses, key: keyFacts({ writesPerSec: 20 }) }),
    null,
    /^A local cache in 3000 processes would save 0% of its reads only\. It has 20 writes\/s/,
  ],
  ['no key', mitigationFacts({ key: null }), null, /no key/],
  [
    'without replicas, too many processes',
    mitigationFacts({ shards: withoutReplicas, apps: manyProcesses }),
    'split',
    /./,
  ],
]

it.each(CASES)('a key that is: %s', (_, facts, action, because, parameters) => {
  const advice = advise(facts, NOW)
  expect(advice.action).toBe(action)
  expect(advice.because).toMatch(because)
  if (parameters !== undefined) expect(advice.parameters).toMatchObject(parameters)
})

it('gives parameters that the action takes', () => {
  for (const [, facts] of CASES) {
    const { action, parameters } = advise(facts, NOW)
    if (action === null) expect(parameters).toEqual({})
    else expect(PARAMETERS[action].parse(parameters)).toEqual(parameters)
    if (action !== null) expect(KEY_ACTIONS).toContain(action)
  }
})
