import { readOnly } from '../_lib/endpoint.ts'
import { problemResponse } from '../_lib/problems.ts'

export const { GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE } = readOnly(async (request) =>
  problemResponse(
    'not-found',
    404,
    `There is nothing at ${new URL(request.url).pathname}; /api/v1/openapi.json lists what there is.`,
  ),
)
