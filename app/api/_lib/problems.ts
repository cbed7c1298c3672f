import { PROBLEM_MEDIA_TYPE, type Problem, type ProblemKind, problem } from '../../../core/api/problem.ts'
import { CachescopeError } from '../../../core/errors.ts'
import { logger } from './log.ts'

const RETRY_AFTER_SECONDS = 5

export function problemResponse(
  kind: ProblemKind,
  status: number,
  detail: string,
  extra: { errors?: Problem['errors']; headers?: Record<string, string> } = {},
): Response {
  return Response.json(problem(kind, status, detail, extra.errors), {
    status,
    headers: { 'content-type': PROBLEM_MEDIA_TYPE, 'cache-control': 'no-store', ...extra.headers },
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
