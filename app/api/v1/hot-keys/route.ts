import { listHotKeys } from '../../../../store/hot-keys.ts'
import { endpoint } from '../../_lib/endpoint.ts'
import { explainEmpty } from '../../_lib/found.ts'

export const { GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE } = endpoint(
  'listHotKeys',
  async (store, query, now) => {
    const page = await listHotKeys(store, { ...query, now })
    await explainEmpty(store, page.items, query, now)
    return page
  },
)
