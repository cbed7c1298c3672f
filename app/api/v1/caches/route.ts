import { listCaches } from '../../../../store/caches.ts'
import { endpoint } from '../../_lib/endpoint.ts'

export const { GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE } = endpoint(
  'listCaches',
  async (store, _, now) => ({
    items: await listCaches(store, now),
    nextCursor: null,
  }),
)
