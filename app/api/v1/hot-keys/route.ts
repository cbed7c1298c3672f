import { listCacheHotKeys, listHotKeys } from '../../../../store/hot-keys.ts'
import { endpoint } from '../../_lib/endpoint.ts'
import { explainEmpty } from '../../_lib/found.ts'

export const { GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE } = endpoint(
  'listHotKeys',
  async (store, { merge, missing, ...query }, now) => {
    const list = merge === 'cache' ? listCacheHotKeys : listHotKeys
    const existence = missing === undefined ? {} : { missing: missing === 'true' }
    const page = await list(store, { ...query, ...existence, now })
    await explainEmpty(store, page.items, query, now)
    return page
  },
)
