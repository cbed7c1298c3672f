/** A failover by a real Sentinel loses no write that the old primary answered, killed or called off as well. */
import { afterEach, describe, expect, it } from 'vitest'
import { failover } from '../../../collector/mitigations/actions/failover.ts'
import { ActionRun, cacheConfig } from '../../support/action-context.ts'
import { type RedisProcess, startRedis, until } from '../../support/redis.ts'
import { type SentinelProcess, startSentinel } from '../../support/sentinel.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

type World = {
  primary: RedisProcess
  replica: RedisProcess
  replicas: RedisProcess[]
  sentinel: SentinelProcess
  run: ActionRun
}

async function startWorld(count = 1): Promise<World> {
  const primary = await startRedis({})
  ends.push(primary.stop)
  const replicas = await Promise.all(Array.from({ length: count }, () => startRedis({ replicaOf: primary })))
  ends.push(...replicas.map((one) => one.stop))
  const [replica] = replicas
  if (!replica) throw new Error('no replica')
  for (const one of replicas) {
    await until('it follows', async () => (await replication(one)).includes('master_link_status:up'))
  }
  const sentinel = await startSentinel('mymaster', primary, { replicas: count })
  ends.push(sentinel.stop)
  const nodes = [primary, ...replicas].map(({ address }, index) => ({
    address,
    role: index === 0 ? ('primary' as const) : ('replica' as const),
    clusterNodeId: null,
  }))
  const run = new ActionRun({
    action: failover(),
    name: 'failover',
    target: { kind: 'shard', shardId: 1 },
    cache: cacheConfig('sentinel', {
      seeds: [{ host: '127.0.0.1', port: sentinel.port, address: sentinel.address }],
      sentinel: { masterName: 'mymaster', username: null, password: null },
    }),
    topology: { cacheId: 'shop', at: 1, shards: [{ ordinal: 1, slots: null, nodes }] },
  })
  ends.push(() => run.close())
  return { primary, replica, replicas, sentinel, run }
}

const replication = async (node: RedisProcess) => String(await node.command('INFO', 'replication'))
const isPrimary = async (node: RedisProcess) => (await replication(node)).includes('role:master')

/** One that nobody tells of the new primary: until the old one refuses. */
function startWriter(primary: RedisProcess): { answered(): number; ended: Promise<unknown> } {
  let answered = 0
  const ended = (async () => {
    for (;;) {
      try {
        answered = Number(await primary.command('INCR', 'count'))
      } catch (error) {
        return error
      }
    }
  })()
  return { answered: () => answered, ended }
}

describe('a failover by Sentinels', { timeout: 300_000 }, () => {
  // Without a kill; after the pause; before SENTINEL FAILOVER, after it, after it was written.
  it.each([99, 7, 11, 12, 13])('loses no write that was answered, killed at point %i', async (point) => {
    const { primary, replica, run } = await startWorld()
    const writer = startWriter(primary)
    await until('writes arrive', () => writer.answered() > 5)
    run.killIn(point)
    expect(await run.on()).toMatchObject({ kind: 'finished' })
    await writer.ended
    expect([await isPrimary(primary), await isPrimary(replica)]).toEqual([false, true])
    expect(Number(await replica.command('GET', 'count'))).toBe(writer.answered())
    const commands = run.steps.map(({ command }) => command)
    expect(commands[0]).toBe('CLIENT PAUSE 15000 WRITE')
    expect(commands.filter((command) => command === 'SENTINEL FAILOVER mymaster').length).toBeGreaterThan(0)
    expect(commands.at(-1)).toBe('CLIENT UNPAUSE')
  })

  it('loses none whichever of two the Sentinel chooses', async () => {
    const { primary, replicas, run } = await startWorld(2)
    const writer = startWriter(primary)
    await until('writes arrive', () => writer.answered() > 5)
    expect(await run.on()).toMatchObject({ kind: 'finished' })
    await writer.ended
    const roles = await Promise.all(replicas.map(isPrimary))
    const promoted = replicas[roles.indexOf(true)]
    expect(await promoted?.command('GET', 'count')).toBe(String(writer.answered()))
    // A Sentinel that has waited long enough tells the rest of them in its last turn.
    for (const one of [primary, ...replicas.filter((replica) => replica !== promoted)]) {
      await until('it follows', async () =>
        (await replication(one)).includes(`master_port:${promoted?.port}`),
      )
    }
  })

  it('lets writes go on where it is called off before the Sentinels were asked', async () => {
    const { primary, sentinel, run } = await startWorld()
    expect(await run.dieAt({ before: 'SENTINEL FAILOVER mymaster' })).toBe(true)
    expect(run.sent).toContain('CLIENT PAUSE 15000 WRITE')
    expect(run.sent).not.toContain('SENTINEL FAILOVER mymaster')
    expect(await run.drain()).toMatchObject({ kind: 'done' })
    expect(run.steps.at(-1)?.command).toBe('CLIENT UNPAUSE')
    expect(await primary.command('SET', 'probe', '1')).toBe('OK')
    expect(String(await sentinel.command('SENTINEL', 'MASTER', 'mymaster'))).not.toContain(
      'failover_in_progress',
    )
  })

  it('goes to its end where it is called off when they were', async () => {
    const { primary, replica, run } = await startWorld()
    const writer = startWriter(primary)
    await until('writes arrive', () => writer.answered() > 5)
    expect(await run.dieAt({ after: 'SENTINEL FAILOVER mymaster' })).toBe(true)
    expect(await run.drain()).toMatchObject({ kind: 'done', message: expect.stringMatching(/way back/) })
    await writer.ended
    expect([await isPrimary(primary), await isPrimary(replica)]).toEqual([false, true])
    expect(Number(await replica.command('GET', 'count'))).toBe(writer.answered())
  })

  it('holds no writes back for a replica that does not catch up', async () => {
    const { primary, replica, run } = await startWorld()
    expect(await run.dieAt(2)).toBe(true)
    await replica.command('CONFIG', 'SET', 'masterauth', 'wrong')
    await replica.command('REPLICAOF', '127.0.0.1', 1)
    expect(await run.on()).toMatchObject({ kind: 'failed', message: expect.stringMatching(/caught up/) })
    expect(run.sent).not.toContain('SENTINEL FAILOVER mymaster')
    expect(await primary.command('SET', 'probe', '1')).toBe('OK')
  })
})
