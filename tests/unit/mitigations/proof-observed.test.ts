import { expect, it } from 'vitest'
import type { Measures } from '../../../core/mitigations/measures.ts'
import type { Observed } from '../../../core/mitigations/observed.ts'
import { decide } from '../../../core/mitigations/proof.ts'
import { proofWindowMs } from '../../../core/mitigations/proof-limits.ts'

type Seen = Observed & { ops?: number; cpuShare?: number }
const SHARDS = 2

function measures({ ops = 10_000, cpuShare = 0.6, ...observed }: Seen): Measures {
  return {
    ...{ from: '2026-01-01T00:00:00.000Z', to: '2026-01-01T00:01:00.000Z' },
    ...{ keyOpsPerSec: null, keyReadsByAppPerSec: null, localHitsPerSec: null, hottestOverMean: 1 },
    shards: Array.from({ length: SHARDS }, (_, index) => ({
      ...{ shardId: index + 1, ordinal: index + 1, opsPerSec: ops / SHARDS },
    })),
    ...{ p99Us: null, hitRate: 0.9, missesPerSec: 10, cpuShare, netOutBytesPerSec: null, instances: null },
    ...{ errorsPerSec: 0, libraryErrorsPerSec: null },
    ...(Object.keys(observed).length === 0 ? {} : { observed }),
  }
}

const decideOf = (action: 'kill-client' | 'deny-user' | 'pause-writes', before: Seen, after: Seen[]) =>
  decide({
    ...{ action, parameters: {}, preview: null, divergence: null },
    before: measures(before),
    after: after.map(measures),
  })

const MIB = 1_048_576
type Client = NonNullable<Observed['client']>
const client = (over: Partial<Client> = {}): Client => ({
  ...{ isConnected: true, newer: 0, opsPerSec: 4_000, outputBytes: 0 },
  ...over,
})
const gone = (over: Partial<Client> = {}) => client({ isConnected: false, opsPerSec: 0, ...over })

const CLIENTS: [string, before: Seen, after: Seen, verdict: string, because: RegExp][] = [
  [
    'is gone for good',
    { client: client({ outputBytes: 60 * MIB }) },
    { client: gone(), ops: 6_000, cpuShare: 0.3 },
    'worked',
    /had 4 k\/s commands and 60 MiB of output buffer, is gone.*6 k\/s commands instead of 10 k\/s/,
  ],
  [
    'is gone for good, of an old server that counts no commands',
    { client: client({ opsPerSec: null, outputBytes: null }) },
    { client: gone({ opsPerSec: null, outputBytes: null }) },
    'worked',
    /^The client is gone, and none with its address/,
  ],
  ['stays', { client: client() }, { client: client() }, 'no-effect', /still connected/],
  [
    'comes back and does the same',
    { client: client() },
    { client: gone({ newer: 1, opsPerSec: 3_900 }) },
    'no-effect',
    /came back: 1 connection .* Commands: 3\.9 k\/s instead of 4 k\/s/,
  ],
  [
    'comes back and does less',
    { client: client() },
    { client: gone({ newer: 2, opsPerSec: 100 }) },
    'worked',
    /2 connections .* Commands: 100\/s instead of 4 k\/s/,
  ],
  [
    'comes back and reads what it asks for',
    { client: client({ outputBytes: 60 * MIB }) },
    { client: gone({ newer: 1, opsPerSec: 4_000, outputBytes: 20_000 }) },
    'worked',
    /Output buffer: 19\.5 KiB instead of 60 MiB/,
  ],
  [
    'comes back and piles it up again',
    { client: client({ outputBytes: 60 * MIB }) },
    { client: gone({ newer: 1, opsPerSec: 10, outputBytes: 55 * MIB }) },
    'no-effect',
    /Output buffer: 55 MiB instead of 60 MiB/,
  ],
  [
    'comes back to an old server, which works as much',
    { client: client({ opsPerSec: null }) },
    { client: gone({ newer: 1, opsPerSec: null }) },
    'no-effect',
    /came back.* CPU of the primary: 60% instead of 60%/,
  ],
  [
    'comes back to an old server, and less is asked for: by it or by itself',
    { client: client({ opsPerSec: null }) },
    { client: gone({ newer: 1, opsPerSec: null }), ops: 4_000, cpuShare: 0.2 },
    'unknown',
    /4 k\/s commands instead of 10 k\/s: by this or by itself/,
  ],
  ['is not told of', { client: client() }, {}, 'unknown', /did not tell who was connected/],
]
it.each(CLIENTS)('a client that %s', (_, before, after, verdict, because) => {
  const decision = decideOf('kill-client', before, [after])
  expect(decision.because).toMatch(because)
  expect(decision.verdict).toBe(verdict)
})

const user = (connections: number, refusals: number | null, opsPerSec: number | null = 0) => ({
  user: { connections, refusals, opsPerSec },
})
const USERS: [string, before: Seen, after: Seen, verdict: string, because: RegExp][] = [
  [
    'is refused, and what it asked for is missing',
    user(5, 2, 4_000),
    { ...user(0, 42), ops: 6_100 },
    'worked',
    /no connection \(5 connections before\)\. 40 sign-ins were refused since\. .*6\.1 k\/s commands instead of 10 k/,
  ],
  ['has given up', user(1, 0, 10), user(0, 0), 'worked', /1 connection before\)\. 0 sign-ins were refused/],
  [
    'is refused, where nobody tells what it asked for',
    user(5, 0, null),
    user(0, 9, null),
    'worked',
    /9 sign-ins were refused/,
  ],
  [
    'only comes now and then',
    user(0, 0),
    user(0, 1),
    'worked',
    /0 connections before\)\. 1 sign-in was refused/,
  ],
  [
    'is gone, while as much is asked for as before',
    user(5, 0, 4_000),
    user(0, 42),
    'unknown',
    /had made 4 k\/s of that: others ask for more by now, or it signs in under another name/,
  ],
  [
    'is refused, where the log has lost what it told before',
    user(5, 3),
    user(0, 1),
    'worked',
    /How many sign-ins were refused is not known/,
  ],
  ['was never there', user(0, 3), user(0, 3), 'no-effect', /nothing of the user/],
  ['is still there', user(5, 0, 10), user(3, 0, 10), 'no-effect', /still has 3 connections \(5 conn/],
  [
    'was not there, where refusals are not told',
    user(0, null),
    user(0, null),
    'unknown',
    /How many sign-ins were refused is not known/,
  ],
  ['is not told of', {}, user(0, 0), 'unknown', /Not every node told/],
]
it.each(USERS)('a user that %s', (_, before, after, verdict, because) => {
  const decision = decideOf('deny-user', before, [after])
  expect(decision.because).toMatch(because)
  expect(decision.verdict).toBe(verdict)
})

const writes = (
  changesPerSec: number | null,
  blockedClients = 0,
  held: NonNullable<Observed['writes']>['held'] = null,
  isPaused: boolean | null = null,
) => ({ writes: { changesPerSec, blockedClients, isPaused, held } })
const held = (changesPerSec: number, blockedClients: number) => ({
  ...{ seconds: 10, changesPerSec, blockedClients },
})
const WRITES: [string, before: Seen, after: Seen, verdict: string, because: RegExp][] = [
  [
    'wait, and come back',
    writes(300),
    writes(310, 0, held(0, 12)),
    'worked',
    /0\/s changes of keys for 10 s instead of 300\/s, with up to 12 clients waiting\. Since then it is 310\/s/,
  ],
  ['go on', writes(300), writes(300, 0, held(290, 0)), 'no-effect', /were not held back: 290\/s/],
  ['were none', writes(0), writes(0, 0, held(0, 0)), 'no-effect', /nothing to hold back/],
  [
    'wait and do not come back',
    writes(300),
    writes(0, 12, held(0, 12), true),
    'harmful',
    /have not come back.* the server says that they are still paused/,
  ],
  [
    'do not come back, while readers of a queue wait',
    writes(300),
    writes(0, 12, held(0, 12), false),
    'unknown',
    /given up/,
  ],
  [
    'do not come back, where the server does not tell whether they are paused',
    writes(300),
    writes(0, 12, held(0, 12)),
    'unknown',
    /given up/,
  ],
  ['end with it', writes(300), writes(20, 0, held(0, 12)), 'unknown', /20\/s: its writers have given up/],
  [
    'wait, and the server has saved since',
    writes(300),
    writes(null, 0, held(0, 12)),
    'worked',
    /12 clients waiting\.$/,
  ],
  ['were not counted before', writes(null), writes(10, 0, held(0, 1)), 'unknown', /was not counted/],
  ['were not counted in it', writes(300), writes(300), 'unknown', /was not counted/],
]
it.each(WRITES)('writes that %s', (_, before, after, verdict, because) => {
  const decision = decideOf('pause-writes', before, [after])
  expect(decision.because).toMatch(because)
  expect(decision.verdict).toBe(verdict)
})

it('a second window corrects the first: the client came back late', () => {
  const decision = decideOf('kill-client', { client: client() }, [
    { client: gone() },
    { client: gone({ newer: 1, opsPerSec: 4_000 }) },
  ])
  expect(decision).toMatchObject({
    verdict: 'no-effect',
    because: expect.stringMatching(/window before had said: it worked/),
  })
})

it.each([
  ['pause-writes', { pauseSeconds: 2 }, 60_000, 10_000],
  ['pause-writes', { pauseSeconds: 25 }, 60_000, 25_000],
  ['pause-writes', { pauseSeconds: 300 }, 60_000, 60_000],
  ['deny-user', { username: 'greedy' }, 60_000, 60_000],
] as const)('a window of %s with %j', (action, parameters, configured, expected) => {
  expect(proofWindowMs({ action, parameters }, configured)).toBe(expected)
})
