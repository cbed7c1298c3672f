import { listShards } from '../../../../../../store/shards.ts'
import { endpoint } from '../../../../_lib/endpoint.ts'
import { explainEmpty } from '../../../../_lib/found.ts'

export const { GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE } = endpoint(
  'listShards',
  async (store, { cacheId }, now) => {
    const items = await listShards(store, cacheId, now)
    await explainEmpty(store, items, { cacheId }, now)
    return { items, nextCursor: null }
  },
)
