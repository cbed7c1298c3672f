/** What the prober learns of keys of a real server, and that the server's figures stay as they were. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { NodeConnection } from '../../../collector/connection/node-connection.ts'
import { type KeyFacts, type KeyPlace, KeyProber } from '../../../collector/hot-keys/key-prober.ts'
import { delay, type RedisProcess, startRedis, startRedisCluster, until } from '../../support/redis.ts'

const ends: (() => unknown)[] = []
let redis: RedisProcess
let now = 1_000_000

afterAll(() => Promise.all(ends.map((end) => end())))
beforeAll(async () => {
  redis = await startRedis()
  ends.push(redis.stop)
})

const bytes = (text: string) => Buffer.from(text, 'latin1')

async function proberOf(node: RedisProcess, user?: string, clusterEnabled = false) {
  const place = { host: node.host, port: node.port, address: node.address }
  const password = user === undefined ? null : 'secret'
  const connection = new NodeConnection(place, { username: user ?? null, password, tls: null })
  await connection.open()
  ends.push(() => connection.close())
  const prober = new KeyProber({ commands: connection, clusterEnabled: () => clusterEnabled, now: () => now })
  return { connection, prober }
}

const factsOf = (prober: KeyProber, { db, key }: KeyPlace): Promise<KeyFacts> =>
  until('the facts', () => prober.facts(db, key))

async function hitsAndMisses(): Promise<string[]> {
  const info = String(await redis.command('INFO', 'stats'))
  return info.split('\r\n').filter((line) => /^keyspace_(hits|misses)/.test(line))
}

describe('KeyProber', () => {
  it('knows keys of every type and any bytes, and leaves hits, misses and idle times alone', async () => {
    await redis.command('FLUSHALL')
    const binary = bytes('\0\xff "k"\r\n\\x00')
    await redis.command('SET', binary, 'v')
    await redis.command('RPUSH', 'list', ...Array.from({ length: 2_000 }, (_, at) => `item ${at}`))
    await redis.command('SADD', 'set', 'a', 'b')
    await redis.command('ZADD', 'zset', 1, 'a')
    await redis.command('HSET', 'hash', 'field', 'value')
    await redis.command('XADD', 'stream', '*', 'field', 'value')
    await redis.command('PFADD', 'hll', 'a')
    await redis.command('SET', 'idle', 'v')
    await delay(1_100)
    const before = await hitsAndMisses()
    const idleBefore = Number(await redis.command('OBJECT', 'IDLETIME', 'idle'))
    const afterIdle = await hitsAndMisses()

    const { prober, connection } = await proberOf(redis)
    const names = ['list', 'set', 'zset', 'hash', 'stream', 'hll', 'idle', 'not there']
    const keys = [binary, ...names.map(bytes)].map((key) => ({ db: 0, key }))
    prober.ask(keys)
    const all = await Promise.all(keys.map((key) => factsOf(prober, key)))
    expect(all.map(({ isMissing }) => isMissing)).toEqual([...Array(8).fill(false), true])
    expect(all[0]?.sizeBytes).toBeGreaterThan(40)
    expect(all[1]?.sizeBytes).toBeGreaterThan(10_000)
    expect(all[8]).toEqual({ sizeBytes: null, isMissing: true, probedAt: now })
    expect(await hitsAndMisses()).toEqual(afterIdle)
    expect(before).not.toEqual(afterIdle)
    expect(Number(await redis.command('OBJECT', 'IDLETIME', 'idle'))).toBeGreaterThanOrEqual(idleBefore)
    expect(prober.refusal).toBeNull()
    expect(prober.cost).toEqual({ hits: 0, misses: 0 })
    expect(connection.sent.get('memory|usage')).toBe(9)
  })

  it('asks other databases, and leaves the connection in its own', async () => {
    await redis.command('FLUSHALL')
    await redis.command('SET', 'only in 0', 'v')
    const { prober, connection } = await proberOf(redis)
    const places = [0, 3, 0].map((db) => ({ db, key: bytes('only in 0') }))
    prober.ask(places)
    prober.ask([{ db: 99_999, key: bytes('only in 0') }])
    const reply = connection.call('EXISTS', 'only in 0')
    const facts = await Promise.all(places.map((place) => factsOf(prober, place)))
    expect(facts.map(({ isMissing }) => isMissing)).toEqual([false, true, false])
    expect(await reply).toBe(1)
    await delay(300)
    // No such database: what the other one answered is not taken for its.
    expect(prober.facts(99_999, bytes('only in 0'))).toBeNull()
    expect(await connection.call('EXISTS', 'only in 0')).toBe(1)
  })

  it('asks again after 30 s, of missing keys after 5 s, and sees a key that expired', async () => {
    await redis.command('FLUSHALL')
    await redis.command('SET', 'brief', 'v')
    const { prober, connection } = await proberOf(redis)
    const place = { db: 0, key: bytes('brief') }
    prober.ask([place])
    expect((await factsOf(prober, place)).isMissing).toBe(false)
    await redis.command('PEXPIRE', 'brief', 1)
    await until('it has expired', async () => (await redis.command('GET', 'brief')) === null)
    now += 29_000
    prober.ask([place])
    await delay(400)
    expect(connection.sent.get('memory|usage')).toBe(1)
    now += 1_000
    prober.ask([place])
    await until('it is missing', () => prober.facts(0, place.key)?.isMissing)
    await redis.command('SET', 'brief', 'again')
    now += 5_000
    prober.ask([place])
    await until('it is back', () => prober.facts(0, place.key)?.isMissing === false)
  })

  it('asks for at most 64 keys a second, and forgets those that nobody asks for', async () => {
    await redis.command('FLUSHALL')
    const { prober, connection } = await proberOf(redis)
    const keys = Array.from({ length: 3_000 }, (_, at) => ({ db: 0, key: bytes(`key ${at}`) }))
    const asked = () => connection.sent.get('memory|usage') ?? 0
    const startedAt = performance.now()
    prober.ask(keys)
    await until('some are asked for', () => asked() > 16)
    await delay(1_000)
    const sent = asked()
    // A timer that is late asks for no more than its turn.
    expect(sent).toBeLessThanOrEqual(16 + 64 * ((performance.now() - startedAt) / 1_000))
    expect(prober.facts(0, bytes('key 0'))).toBeNull()
    connection.close()
    await delay(400)
    prober.ask(keys.slice(-1))
    await delay(300)
    expect(asked()).toBeLessThanOrEqual(sent + 16)
  })

  it('says what the user lacks, and does not ask again at once', async () => {
    await redis.command('ACL', 'SETUSER', 'blind', 'on', '>secret', '~*', '+@all', '-memory')
    const { prober, connection } = await proberOf(redis, 'blind')
    const place = { db: 0, key: bytes('key') }
    prober.ask([place])
    expect(await until('the refusal', () => prober.refusal)).toMatch(/\+memory\|usage/)
    prober.ask([place])
    await delay(300)
    expect(connection.sent.get('memory|usage')).toBe(1)
    await redis.command('ACL', 'SETUSER', 'blind', '+memory')
    now += 60_000
    prober.ask([place])
    expect((await factsOf(prober, place)).isMissing).toBe(true)
    expect(prober.refusal).toBeNull()
  })

  it('asks a replica of a cluster, and takes what another node has as unknown', async () => {
    const cluster = await startRedisCluster({ primaries: 2, replicasPerPrimary: 1 })
    ends.push(cluster.stop)
    const key = bytes('key:{a}')
    const slot = Number(await cluster.primaries[0]?.command('CLUSTER', 'KEYSLOT', key))
    const home = slot < 8_192 ? 0 : 1
    await cluster.primaries[home]?.command('SET', key, 'v')
    const node = cluster.replicas[home]?.[0] as RedisProcess
    await until('the replica has it', async () => Number(await node.command('DBSIZE')) === 1)
    const replica = await proberOf(node, undefined, true)
    replica.prober.ask([{ db: 0, key }])
    expect((await factsOf(replica.prober, { db: 0, key })).isMissing).toBe(false)
    const other = await proberOf(cluster.primaries[1 - home] as RedisProcess, undefined, true)
    other.prober.ask([{ db: 0, key }])
    await delay(400)
    expect(other.prober.facts(0, key)).toBeNull()
    expect(other.prober.refusal).toBeNull()
  })
})
