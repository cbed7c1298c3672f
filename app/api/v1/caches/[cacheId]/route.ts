import { getCache } from '../../../../../store/caches.ts'
import { endpoint } from '../../../_lib/endpoint.ts'
import { cacheNamed, found } from '../../../_lib/found.ts'

export const { GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE } = endpoint(
  'getCache',
  async (store, { cacheId }, now) => found(await getCache(store, cacheId, now), cacheNamed(cacheId)),
)
