import { listNodes } from '../../../../store/nodes.ts'
import { endpoint } from '../../_lib/endpoint.ts'
import { explainEmpty } from '../../_lib/found.ts'

export const { GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE } = endpoint(
  'listNodes',
  async (store, query, now) => {
    const items = await listNodes(store, query)
    await explainEmpty(store, items, query, now)
    return { items, nextCursor: null }
  },
)
