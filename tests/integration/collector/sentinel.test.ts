/** A cache behind Sentinels: found through them, watched as the shard it is, followed over a failover. */
import { afterEach, expect, it } from 'vitest'
import { cacheYaml, startCollector } from '../../support/collector.ts'
import { freePort } from '../../support/free-port.ts'
import { createTestDatabase } from '../../support/postgres.ts'
import { startRedis, until } from '../../support/redis.ts'
import { startSentinel } from '../../support/sentinel.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

it('watches what the Sentinels say, and goes along when they promote another', async () => {
  const database = await createTestDatabase()
  ends.push(database.drop)
  const primary = await startRedis()
  ends.push(primary.stop)
  const replica = await startRedis({ replicaOf: primary })
  ends.push(replica.stop)
  // A primary that a busy machine holds up is not dead.
  const lines = ['sentinel down-after-milliseconds mymaster 3000']
  const sentinel = await startSentinel('mymaster', primary, { replicas: 1, password: 'guard', lines })
  ends.push(sentinel.stop)
  // The first Sentinel is away: the next one is asked.
  const yaml = cacheYaml(
    'carts',
    'sentinel',
    [`redis://127.0.0.1:${await freePort()}`, sentinel.url],
    ['master: mymaster', 'sentinelPassword: guard'],
  )
  const watched = await startCollector(database.url, `caches:\n${yaml}`)
  ends.push(watched.stop)

  const roles = async () =>
    Object.fromEntries(
      (await watched.nodes()).map(({ address, role, state }) => [address, `${role} ${state}`]),
    )
  await until('both nodes are watched', async () => {
    expect(await roles()).toEqual({ [primary.address]: 'primary up', [replica.address]: 'replica up' })
    return true
  })
  await primary.kill('SIGKILL')
  await until('the failover is followed', async () => {
    expect(await roles()).toEqual({
      [primary.address]: 'replica refused',
      [replica.address]: 'primary up',
    })
    return true
  })
  await until('it is told', async () => (await watched.events()).some((event) => event.kind === 'failover'))
})

it('says which names a Sentinel knows', async () => {
  const database = await createTestDatabase()
  ends.push(database.drop)
  const primary = await startRedis()
  ends.push(primary.stop)
  const sentinel = await startSentinel('mymaster', primary, { replicas: 0 })
  ends.push(sentinel.stop)
  const yaml = cacheYaml('carts', 'sentinel', [sentinel.url], ['master: other'])
  const watched = await startCollector(database.url, `caches:\n${yaml}`)
  ends.push(watched.stop)
  await until('the page says it', async () => {
    const node = await watched.node(sentinel.address)
    return node?.stateMessage?.includes('It knows: mymaster.')
  })
})
