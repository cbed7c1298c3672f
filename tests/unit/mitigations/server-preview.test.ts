import { describe, expect, it } from 'vitest'
import type { MitigationFacts } from '../../../core/mitigations/facts.ts'
import { changesNothing } from '../../../core/mitigations/look-ups.ts'
import type { MitigationDraft, ServerAction } from '../../../core/mitigations/model.ts'
import { previewServerAction } from '../../../core/mitigations/server-preview.ts'
import { cacheFacts, mitigationFacts, nodeFacts, standaloneFacts } from '../../support/mitigation-facts.ts'

const preview = (
  facts: MitigationFacts,
  action: ServerAction,
  target: MitigationDraft['target'],
  parameters: Record<string, unknown> = {},
) => previewServerAction(facts, { cacheId: 'shop', action, target, parameters, expiresInSeconds: 3_600 })
/** Without what every connection begins with. */
const commandsOf = (shown: ReturnType<typeof preview>) =>
  shown.commands.slice(3).map(({ node, command }) => `${node}: ${command}`)
const UNTIL_OVER = 'twice a second until it is over'
const looks = (how: string, ports: string[], ...commands: string[]) =>
  ports.flatMap((port) => commands.map((command) => `10.0.0.${port}, ${how}: ${command}`))
const ids = (shown: ReturnType<typeof preview>) => shown.refusals.map(({ id }) => id)

const shard = { kind: 'shard', shardId: 11 } as const
const cache = { kind: 'cache' } as const

describe('the preview of a failover', () => {
  it.each([
    [
      'a cluster',
      mitigationFacts(),
      [
        ...looks('before', ['1:7000', '1:7001'], 'INFO'),
        '10.0.0.1:7000, before: CLUSTER INFO',
        '10.0.0.1:7001: CLUSTER FAILOVER',
        ...looks(UNTIL_OVER, ['1:7000', '1:7001'], 'INFO'),
      ],
    ],
    [
      'a primary with two replicas',
      standaloneFacts(2),
      [
        ...looks('before', ['1:7000', '2:7000', '3:7000'], 'INFO'),
        '10.0.0.1:7000, before: COMMAND INFO failover',
        '10.0.0.1:7000: FAILOVER TO 10.0.0.2 7000 TIMEOUT 10000',
        ...looks(UNTIL_OVER, ['1:7000', '2:7000', '3:7000'], 'INFO'),
        '10.0.0.3:7000: REPLICAOF 10.0.0.2 7000',
        '10.0.0.1:7000, the way back: FAILOVER ABORT',
      ],
    ],
    [
      'Sentinels',
      standaloneFacts(1, { cache: cacheFacts({ kind: 'sentinel' }) }),
      [
        ...looks('before', ['1:7000', '2:7000'], 'INFO'),
        'a Sentinel, before: PING',
        '10.0.0.1:7000: CLIENT PAUSE 15000 WRITE',
        ...looks('until the replicas have caught up', ['1:7000', '2:7000'], 'INFO'),
        'a Sentinel: SENTINEL FAILOVER <master of cachescope.yaml>',
        `a Sentinel, ${UNTIL_OVER}: SENTINEL MASTERS`,
        ...looks(UNTIL_OVER, ['1:7000', '2:7000'], 'INFO'),
        '10.0.0.1:7000: REPLICAOF 10.0.0.2 7000',
        '10.0.0.1:7000: CLIENT UNPAUSE',
      ],
    ],
  ])('of %s shows what is sent', (_, facts, commands) => {
    const shown = preview(facts, 'failover', shard)
    expect(commandsOf(shown)).toEqual(commands)
    expect(shown.refusals).toEqual([])
    expect(shown.wayBack).toContain('10.0.0.1:7000')
    expect(shown.after).toEqual(shown.before)
  })

  it.each(['standalone', 'sentinel'] as const)('is refused before Redis 6.2 of kind %s', (kind) => {
    const facts = standaloneFacts(1, { cache: cacheFacts({ kind }) })
    for (const node of facts.shards[0]?.nodes ?? []) node.version = '6.0.16'
    expect(ids(preview(facts, 'failover', shard))).toEqual(['too-old'])
  })

  it('names whom it prefers, and that it may be another', () => {
    const two = preview(standaloneFacts(2), 'failover', shard)
    expect(two.promotes).toEqual({ nodeId: 201, address: '10.0.0.2:7000' })
    expect(two.warnings.join(' ')).toContain('another one where 10.0.0.2:7000 is not in step by then')
    const chosen = preview(standaloneFacts(2), 'failover', shard, { toNodeId: 202 })
    expect(chosen.promotes?.nodeId).toBe(202)
    expect(chosen.warnings.join(' ')).not.toContain('chosen when it begins')
  })

  it('refuses without a replica in step, or a primary that hands over', () => {
    expect(ids(preview(standaloneFacts(0), 'failover', shard))).toEqual(['no-replica'])
    const behind = standaloneFacts(1)
    for (const node of behind.shards[0]?.nodes ?? []) if (node.role === 'replica') node.lagSeconds = 30
    expect(ids(preview(behind, 'failover', shard))).toEqual(['not-in-sync'])
    const away = standaloneFacts(1)
    for (const node of away.shards[0]?.nodes ?? []) if (node.role === 'primary') node.state = 'timeout'
    expect(ids(preview(away, 'failover', shard))).toEqual(['primary-down'])
    expect(ids(preview(standaloneFacts(1), 'failover', { kind: 'shard', shardId: 99 }))).toEqual(['gone'])
  })
})

describe('the preview of a moved slot', () => {
  const slot = 6_000
  const readsOf = (node: string) =>
    looks(
      UNTIL_OVER,
      [node],
      ...['CLUSTER GETKEYSINSLOT 6000 100', 'MEMORY USAGE <each key> SAMPLES 5'],
      'CLUSTER COUNTKEYSINSLOT 6000',
    )

  it('is key by key to the shard with the least load', () => {
    const shown = preview(mitigationFacts(), 'move-slot', cache, { slot })
    expect(shown.summary).toMatch(/from shard 2 .* to shard 1/)
    expect(commandsOf(shown)).toEqual([
      ...looks('before', ['1:7000', '3:7000'], 'INFO'),
      ...looks('before', ['2:7000', '1:7000'], 'CLUSTER NODES', 'INFO'),
      '10.0.0.2:7000, before: CLUSTER COUNTKEYSINSLOT 6000',
      ...looks('before', ['2:7000'], 'CLUSTER GETKEYSINSLOT 6000 1000', 'MEMORY USAGE <each key> SAMPLES 5'),
      '10.0.0.1:7000: CLUSTER SETSLOT 6000 IMPORTING "<id of 10.0.0.2:7000>"',
      '10.0.0.2:7000: CLUSTER SETSLOT 6000 MIGRATING "<id of 10.0.0.1:7000>"',
      ...looks(UNTIL_OVER, ['2:7000', '1:7000'], 'CLUSTER NODES'),
      ...readsOf('2:7000'),
      '10.0.0.2:7000: MIGRATE 10.0.0.1 7000 "" 0 5000 REPLACE KEYS …',
      '10.0.0.1:7000: CLUSTER SETSLOT 6000 NODE "<id of 10.0.0.1:7000>"',
      '10.0.0.2:7000: CLUSTER SETSLOT 6000 NODE "<id of 10.0.0.1:7000>"',
      '10.0.0.3:7000: CLUSTER SETSLOT 6000 NODE "<id of 10.0.0.1:7000>"',
      ...[
        '10.0.0.2:7000: CLUSTER SETSLOT 6000 STABLE',
        ...looks(
          UNTIL_OVER,
          ['1:7000'],
          ...['CLUSTER GETKEYSINSLOT 6000 10', 'CLUSTER COUNTKEYSINSLOT 6000'],
        ),
        ...looks(UNTIL_OVER, ['2:7000'], 'MEMORY USAGE <each key> SAMPLES 5'),
        '10.0.0.1:7000: ASKING',
        '10.0.0.1:7000: UNLINK <each key that is at both>',
        '10.0.0.1:7000: MIGRATE 10.0.0.2 7000 "" 0 5000 KEYS …',
        '10.0.0.1:7000: CLUSTER SETSLOT 6000 STABLE',
      ].map((one) => one.replace(': ', ', where keys cannot leave: ')),
      '10.0.0.2:7000, the way back before a key has left: CLUSTER SETSLOT 6000 STABLE',
      '10.0.0.1:7000, the way back before a key has left: CLUSTER SETSLOT 6000 STABLE',
      ...[
        '10.0.0.2:7000: CLUSTER SETSLOT 6000 IMPORTING "<id of 10.0.0.1:7000>"',
        '10.0.0.1:7000: CLUSTER SETSLOT 6000 MIGRATING "<id of 10.0.0.2:7000>"',
        ...looks(UNTIL_OVER, ['1:7000', '2:7000'], 'CLUSTER NODES'),
        ...readsOf('1:7000'),
        '10.0.0.1:7000: MIGRATE 10.0.0.2 7000 "" 0 5000 REPLACE KEYS …',
        '10.0.0.2:7000: CLUSTER SETSLOT 6000 NODE "<id of 10.0.0.2:7000>"',
        '10.0.0.1:7000: CLUSTER SETSLOT 6000 NODE "<id of 10.0.0.2:7000>"',
        '10.0.0.3:7000: CLUSTER SETSLOT 6000 NODE "<id of 10.0.0.2:7000>"',
      ].map((one) => one.replace(': ', ', the way back once keys have left: ')),
    ])
    expect(shown.after).toBeNull()
  })

  it.each([
    [
      'redis',
      '8.4.0',
      'CLUSTER MIGRATION STATUS ALL',
      [
        '10.0.0.3:7000: CLUSTER MIGRATION IMPORT 6000 6000',
        '10.0.0.3:7000, the way back: CLUSTER MIGRATION CANCEL ID <task>',
      ],
    ],
    [
      'valkey',
      '9.0.1',
      'CLUSTER GETSLOTMIGRATIONS',
      [
        '10.0.0.2:7000: CLUSTER MIGRATESLOTS SLOTSRANGE 6000 6000 NODE c',
        '10.0.0.2:7000, the way back: CLUSTER CANCELSLOTMIGRATIONS',
      ],
    ],
  ])('is native on %s %s', (engine, version, status, changes) => {
    const facts = mitigationFacts()
    for (const node of facts.shards.flatMap((one) => one.nodes)) {
      Object.assign(node, { engine, version, clusterNodeId: 'c' })
    }
    const shown = preview(facts, 'move-slot', cache, { slot, toShardId: 13 })
    const isLook = ({ command }: { command: string }) => changesNothing(command)
    const isFallback = ({ node }: { node: string }) =>
      node.endsWith('where a server does not know that command')
    const own = shown.commands.filter((one, at) => at < 3 || !(isLook(one) || isFallback(one)))
    expect(commandsOf({ ...shown, commands: own })).toEqual(changes)
    expect(commandsOf(shown)).toContain(
      '10.0.0.2:7000, where a server does not know that command: MIGRATE 10.0.0.3 7000 "" 0 5000 REPLACE KEYS …',
    )
    expect(shown.commands.filter(isLook).map(({ command }) => command)).toContain(status)
  })

  it('refuses what cannot be', () => {
    expect(ids(preview(standaloneFacts(1), 'move-slot', cache, { slot }))).toEqual(['no-slots'])
    expect(ids(preview(mitigationFacts(), 'move-slot', cache, { slot, toShardId: 12 }))).toEqual([
      'same-shard',
    ])
    expect(ids(preview(mitigationFacts(), 'move-slot', cache, { slot: -1 }))).toEqual(['parameters'])
  })
})

describe('the preview of a setting', () => {
  const node = { kind: 'node', nodeId: 101 } as const
  it('says what an eviction policy can delete', () => {
    const shown = preview(standaloneFacts(0), 'set-config', cache, {
      name: 'maxmemory-policy',
      policy: 'allkeys-lfu',
    })
    expect(commandsOf(shown)).toEqual([
      ...looks('before', ['1:7000'], 'INFO', 'CONFIG GET maxmemory-policy'),
      '10.0.0.1:7000: CONFIG SET maxmemory-policy allkeys-lfu',
      '10.0.0.1:7000, once it is set: CONFIG GET maxmemory-policy',
      ...looks('every 10 s', ['1:7000'], 'INFO', 'CONFIG GET maxmemory-policy'),
      '10.0.0.1:7000, the way back: CONFIG GET maxmemory-policy',
      '10.0.0.1:7000, the way back: CONFIG SET maxmemory-policy allkeys-lru',
    ])
    expect(shown.warnings.join(' ')).toContain('the 2 k without a time to live included')
    const volatile = preview(standaloneFacts(0), 'set-config', cache, {
      name: 'maxmemory-policy',
      policy: 'volatile-ttl',
    })
    expect(volatile.warnings.join(' ')).toContain('Only the 8 k keys')
  })

  it('refuses memory that is used, or not there', () => {
    const set = (bytes: number) =>
      preview(standaloneFacts(0), 'set-config', node, { name: 'maxmemory', bytes })
    expect(ids(set(400_000_000))).toEqual([])
    expect(set(400_000_000).warnings.join(' ')).toContain('uses more than 191 MiB at the end keeps the new')
    expect(set(400_000_000).wayBack).toContain('One that uses more than that by then keeps this one')
    expect(set(150_000_000).wayBack).not.toContain('uses more')
    expect(ids(set(50_000_000))).toEqual(['below-used'])
    expect(ids(set(7_900_000_000))).toEqual(['no-room'])
    expect(ids(set(200_000_000))).toEqual(['unchanged'])
  })

  it.each([
    [0, 'noeviction', /9.54 MiB of it left, 9.1%. Beyond it every write is refused/],
    [200_000_000, 'allkeys-lru', /9.54 MiB of it left, 9.1%. Beyond it keys are evicted \(allkeys-lru\)/],
    [0, 'volatile-ttl', /keys with a time to live are evicted \(volatile-ttl\), and writes are refused/],
    [null, null, /Beyond it keys are evicted or writes are refused/],
  ])('warns of memory lowered from %s under %s', (maxMemoryBytes, maxMemoryPolicy, warning) => {
    const facts = standaloneFacts(1)
    for (const one of facts.shards[0]?.nodes ?? []) Object.assign(one, { maxMemoryBytes, maxMemoryPolicy })
    const set = (bytes: number) =>
      preview(facts, 'set-config', cache, { name: 'maxmemory', bytes }).warnings.join(' ')
    expect(set(110_000_000)).toMatch(warning)
    if (maxMemoryBytes) expect(set(300_000_000)).not.toMatch(/lowered/)
  })

  it('counts the neighbours on the machine', () => {
    const facts = standaloneFacts(0)
    facts.shards[0]?.nodes.push(
      nodeFacts({ nodeId: 102, address: '10.0.0.1:7001', role: 'replica', maxMemoryBytes: 6_000_000_000 }),
    )
    expect(ids(preview(facts, 'set-config', node, { name: 'maxmemory', bytes: 2_000_000_000 }))).toEqual([
      'no-room',
    ])
  })
})

describe('the preview of what is done to clients and keys', () => {
  it('shows every command', () => {
    const facts = standaloneFacts(1)
    const node = { kind: 'node', nodeId: 101 } as const
    expect(commandsOf(preview(facts, 'kill-client', node, { clientId: 12 }))).toContain(
      '10.0.0.1:7000: CLIENT KILL ID 12',
    )
    const [user, log] = ['ACL GETUSER "greedy one"', 'ACL LOG 128']
    expect(commandsOf(preview(facts, 'deny-user', cache, { username: 'greedy one' }))).toEqual([
      ...looks('before', ['1:7000'], 'CLIENT LIST', log, 'INFO', user),
      ...looks('before', ['2:7000'], 'CONFIG GET masteruser', 'CLIENT LIST', log, 'INFO', user),
      ...['1:7000', '2:7000'].flatMap((port) => [
        ...looks('before and after it is switched off', [port], user),
        `10.0.0.${port}: ACL SETUSER "greedy one" off`,
        `10.0.0.${port}: CLIENT KILL USER "greedy one"`,
      ]),
      ...['1:7000', '2:7000'].flatMap((port) => [
        ...looks('every 10 s', [port], 'INFO', user),
        ...looks('after each window of the verdict', [port], 'CLIENT LIST', log),
      ]),
      ...['1:7000', '2:7000'].flatMap((port) =>
        looks('the way back', [port], user, 'ACL SETUSER "greedy one" on'),
      ),
    ])
    expect(commandsOf(preview(facts, 'pause-writes', shard, { pauseSeconds: 3 }))).toEqual([
      '10.0.0.1:7000, before: INFO',
      '10.0.0.1:7000: CLIENT PAUSE 3000 WRITE',
      `10.0.0.1:7000, ${UNTIL_OVER}: INFO`,
      '10.0.0.1:7000, every 2.5 s: CLIENT PAUSE <what is left, at most 5000> WRITE',
      '10.0.0.1:7000, when it is over, or drained: CLIENT UNPAUSE',
      '10.0.0.1:7000, after each window of the verdict: INFO',
    ])
    expect(commandsOf(preview(facts, 'pause-writes', shard, { pauseSeconds: 2 }))).toHaveLength(5)
    expect(commandsOf(preview(facts, 'spread-ttls', cache, { pattern: 'article:*' }))).toEqual([
      '10.0.0.1:7000, before: INFO',
      '10.0.0.1:7000, for each other database: SELECT <database>',
      ...looks(
        'for each 250 keys',
        ['1:7000'],
        'INFO server',
        ...['SCAN <cursor, from 0 on> MATCH article:* COUNT 250', 'TIME', 'PTTL <each key>'],
      ),
      '10.0.0.1:7000: PEXPIREAT <each key> <its earlier time> XX LT',
    ])
  })

  it('begins with what every connection is opened with, and tells looks from changes', () => {
    const node = { kind: 'node', nodeId: 101 } as const
    const { commands } = preview(standaloneFacts(0), 'kill-client', node, { clientId: 12 })
    expect(commands.slice(0, 3).map(({ node, command }) => `${node}: ${command}`)).toEqual([
      'each node, on connecting: AUTH <user> <password>, where they are configured',
      'each node, on connecting: CLIENT SETNAME cachescope',
      'each node, on connecting: CLIENT INFO',
    ])
    const changing = commands.filter(({ command }) => !changesNothing(command))
    expect(changing.map(({ command }) => command)).toEqual(['CLIENT KILL ID 12'])
  })

  it('warns of sessions and locks that end earlier, with the word that says so', () => {
    const warningOf = (pattern: string) =>
      preview(standaloneFacts(0), 'spread-ttls', cache, { pattern, spread: 0.3 }).warnings[0]
    expect(warningOf('user:session:*')).toBe(
      'Sessions end and locks open up to 30% earlier: “session” in the pattern says that it takes them in.',
    )
    expect(warningOf('lock:*')).toContain('“lock” in the pattern')
    expect(warningOf('*')).toBe(
      'Sessions end and locks open up to 30% earlier where the pattern takes them in.',
    )
  })

  it('refuses where it would do nothing', () => {
    const facts = standaloneFacts(1)
    expect(ids(preview(facts, 'pause-writes', { kind: 'node', nodeId: 201 }, {}))).toEqual(['replica'])
    for (const node of facts.shards[0]?.nodes ?? []) node.expires = 0
    expect(ids(preview(facts, 'spread-ttls', cache, { pattern: '*' }))).toEqual(['no-ttl'])
  })
})
