import { parseRange } from '../../../../core/range.ts'
import { listSamples } from '../../../../store/samples.ts'
import { endpoint } from '../../_lib/endpoint.ts'
import { explainEmpty } from '../../_lib/found.ts'

export const { GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE } = endpoint(
  'listSamples',
  async (store, { range, from, to, ...query }, now) => {
    const page = await listSamples(store, { ...query, range: parseRange({ range, from, to }, now) })
    await explainEmpty(store, page.items, query, now)
    return page
  },
)
