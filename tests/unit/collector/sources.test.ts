import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  clusterInfoSource,
  parseClusterNodes,
  parseClusterShards,
} from '../../../collector/sources/cluster.ts'
import { numberField, parseInfo } from '../../../collector/sources/info.ts'
import { parseSlowlog } from '../../../collector/sources/slowlog.ts'
import { parseCommandTable } from '../../../core/hot-keys/command-keys.ts'

const fixture = (name: string) =>
  readFileSync(new URL(`../../fixtures/redis-7.0.15/${name}`, import.meta.url), 'utf8')
const json = (name: string): unknown => JSON.parse(fixture(name))
/** As the driver gives them: texts as bytes. */
const bytes = (value: unknown): unknown =>
  typeof value === 'string' ? Buffer.from(value, 'latin1') : Array.isArray(value) ? value.map(bytes) : value
const here = { host: '127.0.0.1', tls: false }

describe('parseInfo', () => {
  it('reads a primary whole', () => {
    const info = parseInfo(fixture('info-primary.txt'))
    expect(info).toMatchObject({
      role: 'primary',
      engine: 'redis',
      version: '7.0.15',
      loading: false,
      primary: null,
    })
    expect(info.runId).toMatch(/^[0-9a-f]{40}$/)
    expect(info.keyspaces).toEqual([
      { db: 0, keys: 3, expires: 1, avgTtlMs: expect.any(Number) },
      { db: 3, keys: expect.any(Number), expires: 0, avgTtlMs: 0 },
    ])
    expect(info.commands.get('set')).toMatchObject({ calls: 3, failedCalls: 0, rejectedCalls: 0 })
    expect(info.commands.get('set')?.p99Us).toBeGreaterThan(0)
    expect(info.commands.has('slowlog|get')).toBe(true)
    expect(info.replicas).toEqual([
      {
        address: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
        offset: expect.any(Number),
        lagSeconds: expect.any(Number),
        online: true,
      },
    ])
    expect(numberField(info, 'maxmemory')).toBe(104_857_600)
    expect(numberField(info, 'maxmemory_policy')).toBeNull()
    expect(numberField(info, 'nothing')).toBeNull()
  })

  it('has all commands in lower case: those of modules stand there as the module wrote them', () => {
    const text = [
      'cmdstat_VADD:calls=2,usec=70,usec_per_call=35.00,rejected_calls=0,failed_calls=0',
      'latency_percentiles_usec_VADD:p50=30.079,p99=40.191,p99.9=40.191',
    ].join('\r\n')
    expect([...parseInfo(text).commands]).toEqual([
      ['vadd', expect.objectContaining({ calls: 2, p99Us: 40.191 })],
    ])
  })

  it('keeps no error code that only a script can have given: it may be a value', () => {
    const errors = ['ERR:count=2', 'S3CRET:count=3', 'WRONGTYPE:count=1', 'MINE:OWN:count=4']
    const text = ['# Errorstats', ...errors.map((error) => `errorstat_${error}`), '', '# CPU', ''].join(
      '\r\n',
    )
    expect(parseInfo(text).text.split('\r\n')).toEqual([
      '# Errorstats',
      'errorstat_ERR:count=2',
      'errorstat_(other):count=7',
      'errorstat_WRONGTYPE:count=1',
      '',
      '# CPU',
      '',
    ])
    const primary = fixture('info-primary.txt')
    expect(parseInfo(primary).text).toBe(primary)
  })

  it('reads a replica and its link', () => {
    const info = parseInfo(fixture('info-replica.txt'))
    expect(info.role).toBe('replica')
    expect(info.primary).toMatchObject({ host: '127.0.0.1', linkUp: true })
  })

  it('tells Valkey, whose redis_version is only for compatibility', () => {
    const info = parseInfo(
      'redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.0.1\r\nrole:master\r\n',
    )
    expect(info).toMatchObject({ engine: 'valkey', version: '8.0.1' })
  })

  it.each([
    ['nothing', ''],
    ['noise', ':::\n\n=\ncmdstat_:\ncmdstat_x:calls=NaN\nslave0:\ndb0:\nslave1:ip=,port=1\n'],
    ['a half line', 'redis_versi'],
  ])('survives %s', (_, text) => {
    const info = parseInfo(text)
    expect(info.commands.size).toBe(0)
    expect(info.replicas).toEqual([])
  })

  it('survives any text', () => {
    fc.assert(fc.property(fc.string(), (text) => void parseInfo(text)))
  })
})

describe('a cluster', () => {
  it('is read from CLUSTER SHARDS and from CLUSTER NODES alike', () => {
    const byAddress = (shards: ReturnType<typeof parseClusterShards>) =>
      shards.sort((a, b) => (a.slots?.[0]?.[0] ?? -1) - (b.slots?.[0]?.[0] ?? -1))
    for (const state of ['', '-failed-over']) {
      const shards = parseClusterShards(json(`cluster-shards${state}.json`), here)
      const nodes = parseClusterNodes(fixture(`cluster-nodes${state}.txt`), here)
      expect(byAddress(nodes)).toEqual(byAddress(shards))
      expect(shards.filter((shard) => shard.slots?.length).map((shard) => shard.slots)).toEqual([
        [[0, 5460]],
        [[5461, 10921]],
        [[10922, 16383]],
      ])
    }
  })

  it('marks what it takes for dead', () => {
    const dead = parseClusterShards(json('cluster-shards-failed-over.json'), here)
      .flatMap((shard) => shard.nodes)
      .filter((node) => node.failed)
    expect(dead).toHaveLength(1)
  })

  it('is asked about its state', () => {
    expect(clusterInfoSource.parse(fixture('cluster-info.txt'))).toEqual({
      ok: true,
      epoch: expect.any(Number),
      knownNodes: 6,
      slotsFail: 0,
    })
    expect(clusterInfoSource.parse('')).toEqual({ ok: false, epoch: null, knownNodes: null, slotsFail: null })
  })

  const shardOf = (...fields: unknown[]) => [['slots', [0, 16383], 'nodes', [['id', 'x', ...fields]]]]
  it.each<[string, unknown[], { host: string; tls: boolean }, string[]]>([
    [
      'an empty endpoint',
      ['port', 1, 'endpoint', '', 'ip', ''],
      { host: '10.0.0.9', tls: false },
      ['10.0.0.9:1'],
    ],
    ['an unknown endpoint', ['port', 1, 'endpoint', '?', 'ip', '10.0.0.1'], here, ['10.0.0.1:1']],
    ['a null endpoint', ['port', 1, 'endpoint', null, 'ip', '10.0.0.1'], here, ['10.0.0.1:1']],
    [
      'a loopback of elsewhere',
      ['port', 1, 'ip', '127.0.0.1'],
      { host: 'cache.example', tls: false },
      ['cache.example:1'],
    ],
    [
      'a hostname that is preferred',
      ['port', 1, 'endpoint', 'a.example', 'ip', '10.0.0.1'],
      here,
      ['a.example:1'],
    ],
    ['IPv6', ['port', 1, 'ip', 'fd00::1'], here, ['[fd00::1]:1']],
    [
      'a port for TLS',
      ['port', 1, 'tls-port', 2, 'ip', '10.0.0.1'],
      { host: 'x', tls: true },
      ['10.0.0.1:2'],
    ],
    ['a dead one without address', ['port', 1, 'ip', '', 'health', 'fail'], here, []],
    ['no port', ['ip', '10.0.0.1'], here, []],
  ])('with %s', (_, fields, vantage, expected) => {
    const shards = parseClusterShards(shardOf(...fields), vantage)
    expect(shards.flatMap((shard) => shard.nodes.map((node) => node.address))).toEqual(expected)
  })

  it('leaves out of CLUSTER NODES who is not a member yet or has no address', () => {
    const text = [
      'aaa 10.0.0.1:1@2,host myself,master - 0 0 1 connected 0-5 7 [9-<-bbb]',
      'bbb 10.0.0.2:1@2 handshake - 0 0 0 disconnected',
      'ccc :0@0 slave,noaddr aaa 0 0 1 disconnected',
      'ddd 10.0.0.4:1 slave aaa 0 0 1 connected',
      'rubbish',
    ].join('\n')
    const [shard] = parseClusterNodes(text, here)
    expect(shard?.slots).toEqual([
      [0, 5],
      [7, 7],
    ])
    expect(shard?.nodes.map((node) => `${node.address} ${node.role}`)).toEqual([
      '10.0.0.1:1 primary',
      '10.0.0.4:1 replica',
    ])
  })

  it('refuses a reply of another shape', () => {
    expect(() => parseClusterShards('OK', here)).toThrow()
  })
})

describe('parseSlowlog', () => {
  const table = parseCommandTable(json('command-info.json'))
  const entries = parseSlowlog(bytes(json('slowlog.json')), table)
  const text = (key: Uint8Array) => Buffer.from(key).toString('latin1')
  const find = (command: string) => entries.filter((entry) => entry.command === command)

  it('keeps commands and keys', () => {
    expect(find('MSET')[0]?.keys.map(text)).toEqual(['a', 'b c'])
    expect(find('EVAL')[0]?.keys.map(text)).toEqual(['k1', 'k2'])
    expect(find('XADD')[0]?.keys.map(text)).toEqual(['stream'])
    expect(find('CONFIG SET')[0]).toMatchObject({ keys: [], argumentCount: 4 })
    expect(find('SET').map((entry) => entry.keys.map(text))).toContainEqual(['\xff\x00A'])
  })

  it('leaves out a key that the server has cut', () => {
    expect(find('SET').filter((entry) => entry.keys.length === 0)).toHaveLength(1)
  })

  it('counts the arguments that the server left out', () => {
    expect(find('SADD')[0]).toMatchObject({ argumentCount: 62 })
    expect(find('SADD')[0]?.keys.map(text)).toEqual(['set'])
  })

  it('keeps no value, whatever the command', () => {
    expect(JSON.stringify(json('slowlog.json'))).toContain('VALUE-IS-SECRET')
    for (const entry of entries) {
      const shown = [entry.command, entry.clientAddress ?? '', ...entry.keys.map(text)].join(' ')
      expect(shown).not.toContain('SECRET')
    }
  })

  it('keeps nothing of a command that the table does not know', () => {
    const [entry] = parseSlowlog(bytes([[1, 2, 3, ['SECRETCMD', 'SECRET'], '1.2.3.4:5', 'SECRET']]), table)
    expect(entry).toMatchObject({
      command: 'UNKNOWN',
      keys: [],
      argumentCount: 2,
      clientAddress: '1.2.3.4:5',
    })
  })

  it.each([
    ['nothing', null],
    ['an error text', 'ERR'],
    ['entries of another shape', [[], ['x'], [1, 2], 7]],
  ])('answers with none to %s', (_, reply) => {
    expect(parseSlowlog(bytes(reply), table)).toEqual([])
  })
})
