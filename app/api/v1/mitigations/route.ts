import { CachescopeError } from '../../../../core/errors.ts'
import { standingRefusals } from '../../../../core/mitigations/eligibility.ts'
import type { MitigationRequest } from '../../../../core/mitigations/model.ts'
import type { Store } from '../../../../store/client.ts'
import { listMitigations } from '../../../../store/mitigations.ts'
import { previewDraft, requestMitigation } from '../../../../store/request-mitigation.ts'
import { answer, methods, operation } from '../../_lib/endpoint.ts'
import { explainEmpty } from '../../_lib/found.ts'
import { problemResponse } from '../../_lib/problems.ts'

export const { GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE } = methods({
  GET: operation('listMitigations', async (store, { running, ...query }, now) => {
    const state = running === undefined ? {} : { running: running === 'true' }
    const page = await listMitigations(store, { ...query, ...state })
    await explainEmpty(store, page.items, query, now)
    return page
  }),
  POST: operation('requestMitigation', async (store, _input, now, { body, headers }) => {
    try {
      const made = await requestMitigation(store, body, headers['idempotency-key'] ?? null, now)
      if (made.mitigation === null) return made.preview
      const location = `/api/v1/mitigations/${made.mitigation.mitigationId}`
      return answer(made.mitigation, { status: made.created ? 201 : 200, headers: { location } })
    } catch (error) {
      if (error instanceof CachescopeError && error.code === 'mitigation-refused') {
        return refused(store, body, error, now)
      }
      throw error
    }
  }),
})

/** The sentence is the store's; the reasons stand beside it one by one, for a program. */
async function refused(store: Store, body: MitigationRequest, error: CachescopeError, now: number) {
  const { refusals } = await previewDraft(store, body, now)
  const standing = standingRefusals(refusals, body.overrides)
  return problemResponse('mitigation-refused', 422, error.message, { refusals: standing })
}
