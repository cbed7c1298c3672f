import { previewDraft } from '../../../../../store/request-mitigation.ts'
import { endpoint } from '../../../_lib/endpoint.ts'

export const { GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE } = endpoint(
  'previewMitigation',
  (store, _input, now, { body }) => previewDraft(store, body, now),
)
