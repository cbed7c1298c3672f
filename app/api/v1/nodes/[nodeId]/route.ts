import { getNode } from '../../../../../store/nodes.ts'
import { endpoint } from '../../../_lib/endpoint.ts'
import { found, nodeNumbered } from '../../../_lib/found.ts'

export const { GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE } = endpoint(
  'getNode',
  async (store, { nodeId }) => found(await getNode(store, nodeId), nodeNumbered(nodeId)),
)
