import { drainMitigation, extendMitigation } from '../../../../../store/mitigation-changes.ts'
import { getMitigation } from '../../../../../store/mitigations.ts'
import { methods, operation } from '../../../_lib/endpoint.ts'
import { found, mitigationNumbered } from '../../../_lib/found.ts'

export const { GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE } = methods({
  GET: operation('getMitigation', async (store, { mitigationId }) =>
    found(await getMitigation(store, mitigationId), mitigationNumbered(mitigationId)),
  ),
  PATCH: operation('extendMitigation', (store, { mitigationId }, now, { body }) =>
    extendMitigation(store, mitigationId, body, now),
  ),
  DELETE: operation('drainMitigation', (store, { mitigationId, actor, reason }, now) =>
    drainMitigation(store, mitigationId, { actor, reason }, now),
  ),
})
