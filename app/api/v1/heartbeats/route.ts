import { saveHeartbeat } from '../../../../store/policies.ts'
import { endpoint } from '../../_lib/endpoint.ts'

export const { GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE } = endpoint(
  'saveHeartbeat',
  async (store, _input, now, { body }) => {
    await saveHeartbeat(store, { ...body, now })
    return new Response(null, { status: 204, headers: { 'cache-control': 'no-store' } })
  },
)
