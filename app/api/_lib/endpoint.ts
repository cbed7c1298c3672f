/** An endpoint of /api/v1: parse, query, answer. */
import type { z } from 'zod'
import { OPERATIONS, type OperationName } from '../../../core/api/operations.ts'
import { type FieldError, parseParameters } from '../../../core/api/parameters.ts'
import type { Store } from '../../../store/client.ts'
import { getStore } from '../../_lib/store.ts'
import { errorResponse, problemResponse } from './problems.ts'

/** As Next calls a route; `params` is undefined where the path has no placeholder. */
type Params = Record<string, string | string[] | undefined> | undefined
type Handler = (request: Request, context: { params: Promise<Params> }) => Promise<Response>
type Methods = Record<'GET' | 'HEAD' | 'OPTIONS' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', Handler>

type PathOf<N extends OperationName> = z.output<(typeof OPERATIONS)[N]['pathParams']>
type QueryOf<N extends OperationName> = z.output<(typeof OPERATIONS)[N]['query']>
type AnswerOf<N extends OperationName> = z.input<(typeof OPERATIONS)[N]['answer']>

/** The operation `name` of core/api/operations.ts, answered by `query`. */
export function endpoint<N extends OperationName>(
  name: N,
  query: (store: Store, input: PathOf<N> & QueryOf<N>, now: number) => Promise<AnswerOf<N>>,
): Methods {
  const operation = OPERATIONS[name]
  return readOnly(async (request, context) => {
    const path = parseParameters(operation.pathParams, pathEntries(await context.params))
    const search = parseParameters(operation.query, new URL(request.url).searchParams)
    if (!path.ok || !search.ok)
      return invalid([...(path.ok ? [] : path.errors), ...(search.ok ? [] : search.errors)])
    const input = { ...path.value, ...search.value } as PathOf<N> & QueryOf<N>
    return answer(await query(getStore(), input, Date.now()))
  })
}

/** GET and HEAD by `get`; 405 for the rest. Errors become problem details. */
export function readOnly(get: Handler): Methods {
  const answerGet: Handler = async (request, context) => {
    try {
      return await get(request, context)
    } catch (error) {
      return errorResponse(error)
    }
  }
  const answerHead: Handler = async (request, context) => {
    const response = await answerGet(request, context)
    await response.body?.cancel()
    return new Response(null, response)
  }
  return {
    GET: answerGet,
    HEAD: answerHead,
    OPTIONS: listMethods,
    POST: refuse,
    PUT: refuse,
    PATCH: refuse,
    DELETE: refuse,
  }
}

const ALLOW = 'GET, HEAD, OPTIONS'
const listMethods: Handler = async () => new Response(null, { status: 204, headers: { allow: ALLOW } })
const refuse: Handler = async (request) =>
  problemResponse('method-not-allowed', 405, `${request.method} is not possible here; GET is.`, {
    headers: { allow: ALLOW },
  })

export function answer(body: unknown): Response {
  return Response.json(body, { headers: { 'cache-control': 'no-store' } })
}

function invalid(errors: FieldError[]): Response {
  return problemResponse('invalid-parameters', 400, errors.map(({ message }) => message).join(' '), {
    errors,
  })
}

function* pathEntries(params: Params): Generator<[string, string]> {
  for (const [name, value] of Object.entries(params ?? {})) {
    if (typeof value === 'string') yield [name, value]
  }
}
