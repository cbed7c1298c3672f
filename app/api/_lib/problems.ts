import {
  PROBLEM_MEDIA_TYPE,
  type ProblemKind,
  type ProblemMembers,
  problem,
} from '../../../core/api/problem.ts'
import { CachescopeError } from '../../../core/errors.ts'
import { logger } from './log.ts'

const RETRY_AFTER_SECONDS = 5

export function problemResponse(
  kind: ProblemKind,
  status: number,
  detail: string,
  { headers, ...members }: ProblemMembers & { headers?: Record<string, string> } = {},
): Response {
  return Response.json(problem(kind, status, detail, members), {
    status,
    headers: { 'content-type': PROBLEM_MEDIA_TYPE, 'cache-control': 'no-store', ...headers },
  })
}

/** The one place where an error becomes an HTTP answer; what nobody expected is logged, never shown. */
export function errorResponse(error: unknown): Response {
  if (error instanceof CachescopeError) {
    switch (error.code) {
      case 'invalid-parameter':
        return problemResponse('invalid-parameters', 400, error.message, {
          errors: [{ field: error.where ?? '', message: error.message }],
        })
      case 'not-found':
        return problemResponse('not-found', 404, error.message)
      case 'mitigation-refused':
        return problemResponse('mitigation-refused', 422, error.message)
      case 'mitigation-conflict': {
        const other = /^mitigations\/(\d+)$/.exec(error.where ?? '')?.[1]
        const members = other === undefined ? {} : { mitigationId: Number(other) }
        return problemResponse('mitigation-conflict', 409, error.message, members)
      }
      case 'store-unreachable':
      case 'store-denied':
      case 'store-too-old':
      case 'store-newer-schema':
      case 'store-invalid-url':
        return problemResponse('store-unavailable', 503, error.message, {
          headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
        })
    }
  }
  logger.error({ err: error }, 'a request failed')
  return problemResponse('internal', 500, "This request failed; the reason is in the dashboard's log.")
}
