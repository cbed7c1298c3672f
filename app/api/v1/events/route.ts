import { parseRange } from '../../../../core/range.ts'
import { listEvents } from '../../../../store/events.ts'
import { endpoint } from '../../_lib/endpoint.ts'
import { explainEmpty } from '../../_lib/found.ts'

export const { GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE } = endpoint(
  'listEvents',
  async (store, { range, from, to, ...query }, now) => {
    const timed = range !== undefined || from !== undefined || to !== undefined
    const page = await listEvents(
      store,
      timed ? { ...query, range: parseRange({ range, from, to }, now) } : query,
    )
    await explainEmpty(store, page.items, query, now)
    return page
  },
)
