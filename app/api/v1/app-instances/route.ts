import { listAppInstances } from '../../../../store/app-instances.ts'
import { endpoint } from '../../_lib/endpoint.ts'
import { explainEmpty } from '../../_lib/found.ts'

export const { GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE } = endpoint(
  'listAppInstances',
  async (store, query, now) => {
    const items = await listAppInstances(store, { ...query, now })
    await explainEmpty(store, items, query, now)
    return { items, nextCursor: null }
  },
)
