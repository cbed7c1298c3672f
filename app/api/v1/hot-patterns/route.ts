import { listHotPatterns } from '../../../../store/hot-patterns.ts'
import { endpoint } from '../../_lib/endpoint.ts'
import { explainEmpty } from '../../_lib/found.ts'

export const { GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE } = endpoint(
  'listHotPatterns',
  async (store, query, now) => {
    const page = await listHotPatterns(store, { ...query, now })
    await explainEmpty(store, page.items, query, now)
    return page
  },
)
