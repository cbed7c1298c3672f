import { advise } from '../../../../../core/mitigations/advice.ts'
import { EXPIRES_IN_SECONDS } from '../../../../../core/mitigations/model.ts'
import { PARAMETERS } from '../../../../../core/mitigations/parameters.ts'
import { readMitigationFacts } from '../../../../../store/mitigation-facts.ts'
import { endpoint } from '../../../_lib/endpoint.ts'

export const { GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE } = endpoint(
  'adviseMitigation',
  async (store, _input, now, { body }) => {
    const { cacheId, db, keyBase64 } = body
    const draft = {
      cacheId,
      action: 'local-cache' as const,
      target: { kind: 'key' as const, db, keyBase64 },
      parameters: PARAMETERS['local-cache'].parse({}),
      expiresInSeconds: EXPIRES_IN_SECONDS.default,
    }
    return advise(await readMitigationFacts(store, draft, now), now)
  },
)
