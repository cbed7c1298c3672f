/** A database of its own with one cache, `shop`, that can be mitigated and that no collector watches. */
import { closeStore, openStore, type Store } from '../../store/client.ts'
import { saveCaches } from '../../store/topology.ts'
import { createTestDatabase } from './postgres.ts'

export async function openShopStore(): Promise<{ store: Store; close(): Promise<void> }> {
  const database = await createTestDatabase()
  const store = openStore(database.url)
  await saveCaches(store, [
    { cacheId: 'shop', kind: 'cluster', seeds: ['a:1'], intervalMs: 1_000, mitigationsEnabled: true },
  ])
  return {
    store,
    async close() {
      await closeStore(store)
      await database.drop()
    },
  }
}
