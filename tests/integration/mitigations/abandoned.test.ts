/** A cache is taken out of cachescope.yaml while something of it is in force: that is said, and stays to be seen. */
import { expect, it } from 'vitest'
import type { CacheRecord } from '../../../core/sample.ts'
import { closeStore, openStore } from '../../../store/client.ts'
import { getMitigation, listAbandoned, listMitigations } from '../../../store/mitigations.ts'
import { saveCaches } from '../../../store/topology.ts'
import { cacheYaml, startCollector } from '../../support/collector.ts'
import { saveOff } from '../../support/mitigation-off.ts'
import { create, requestOf } from '../../support/mitigation-world.ts'
import { createTestDatabase } from '../../support/postgres.ts'

it('is logged when a collector starts, and listed until it is off', async () => {
  const database = await createTestDatabase()
  const store = openStore(database.url)
  const shop: CacheRecord = {
    ...{ cacheId: 'shop', kind: 'cluster', seeds: ['a:1'], intervalMs: 1_000, mitigationsEnabled: true },
  }
  await saveCaches(store, [shop])
  const over = await create(store, requestOf('split', 'over'))
  await saveOff(store, over)
  const target = { kind: 'cache' } as const
  const id = await create(store, requestOf('deny-user', '', { target, parameters: { username: 'greedy' } }))
  await store.pool.query('DELETE FROM lease')
  const list = async () => (await listMitigations(store, { limit: 10 })).items

  const yaml = `caches:\n${cacheYaml('other', 'standalone', ['redis://127.0.0.1:1'])}`
  const watched = await startCollector(database.url, yaml)
  const told = watched.log.map((line) => JSON.parse(line)).filter(({ level }) => level === 'error')
  expect(told).toMatchObject([
    {
      cache: 'shop',
      mitigations: [id],
      message: expect.stringMatching(/put it back, drain them, then take it out/),
    },
  ])
  expect(await list()).toMatchObject([{ mitigationId: id, phase: 'prepare', isAbandoned: true }])
  await watched.stop()

  await saveCaches(store, [shop])
  expect(await listAbandoned(store)).toEqual([])
  expect(await list()).toMatchObject([
    { mitigationId: id, isAbandoned: false },
    { mitigationId: over, isAbandoned: false },
  ])
  await saveOff(store, id)
  await store.pool.query('DELETE FROM lease')
  await saveCaches(store, [])
  expect(await list()).toEqual([])
  expect(await getMitigation(store, id)).toMatchObject({ isAbandoned: false })
  await closeStore(store)
  await database.drop()
})
