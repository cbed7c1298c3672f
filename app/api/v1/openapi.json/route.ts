import { createApiDocument } from '../../../../core/api/document.ts'
import { answer, readOnly } from '../../_lib/endpoint.ts'

const document = createApiDocument()

export const { GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE } = readOnly(async () => answer(document))
