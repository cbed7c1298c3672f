/** An endpoint of /api/v1: parse, query, answer. */
import type { z } from 'zod'
import { OPERATIONS, type Operation, type OperationName } from '../../../core/api/operations.ts'
import { type FieldError, type Parsed, parseParameters } from '../../../core/api/parameters.ts'
import type { Store } from '../../../store/client.ts'
import { getStore } from '../../_lib/store.ts'
import { readJson } from './body.ts'
import { errorResponse, problemResponse } from './problems.ts'

/** As Next calls a route; `params` is undefined where the path has no placeholder. */
type Params = Record<string, string | string[] | undefined> | undefined
type Handler = (request: Request, context: { params: Promise<Params> }) => Promise<Response>
type Methods = Record<'GET' | 'HEAD' | 'OPTIONS' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', Handler>
type Verb = 'GET' | 'POST' | 'PATCH' | 'DELETE'

type Spec<N extends OperationName> = (typeof OPERATIONS)[N]
type PathOf<N extends OperationName> = z.output<Spec<N>['pathParams']>
type QueryOf<N extends OperationName> = z.output<Spec<N>['query']>
type AnswerOf<N extends OperationName> = z.input<Spec<N>['answer']>
type HeadersOf<N extends OperationName> =
  Spec<N> extends { headers: infer H extends z.ZodType } ? z.output<H> : Record<never, never>
type BodyOf<N extends OperationName> =
  Spec<N> extends { parseBody: (body: unknown) => Parsed<infer B> } ? B : unknown

/** Of the request, beside its parameters. */
export type Sent<N extends OperationName> = {
  body: BodyOf<N>
  headers: HeadersOf<N>
  request: Request
}
/** The answer of 200, or a whole response where it is another. */
type Run<N extends OperationName> = (
  store: Store,
  input: PathOf<N> & QueryOf<N>,
  now: number,
  sent: Sent<N>,
) => Promise<AnswerOf<N> | Response>

/** The operation `name` of core/api/operations.ts, answered by `run`: the only one at its address. */
export function endpoint<N extends OperationName>(name: N, run: Run<N>): Methods {
  return methods({ [verbOf(name)]: operation(name, run) })
}

/** The same as a handler, for an address that has several. */
export function operation<N extends OperationName>(name: N, run: Run<N>): Handler {
  const spec: Operation = OPERATIONS[name]
  return async (request, context) => {
    const path = parseParameters(spec.pathParams, pathEntries(await context.params))
    const search = parseParameters(spec.query, new URL(request.url).searchParams)
    const headers = parseHeaders(spec.headers, request.headers)
    const sent = spec.body === undefined ? ({ ok: true, value: undefined } as const) : await readJson(request)
    if (sent instanceof Response) return sent
    const body = sent.ok && spec.parseBody !== undefined ? spec.parseBody(sent.value) : sent
    const errors = [path, search, headers, body].flatMap((parsed) => (parsed.ok ? [] : parsed.errors))
    if (!path.ok || !search.ok || !headers.ok || !body.ok) return invalid(errors)
    const input = { ...path.value, ...search.value } as PathOf<N> & QueryOf<N>
    const rest = { body: body.value, headers: headers.value, request } as Sent<N>
    const result = await run(getStore(), input, Date.now(), rest)
    return result instanceof Response ? result : answer(result)
  }
}

function verbOf(name: OperationName): Verb {
  return OPERATIONS[name].method.toUpperCase() as Verb
}

/** GET and HEAD by `get`; 405 for the rest. Errors become problem details. */
export function readOnly(get: Handler): Methods {
  return methods({ GET: get })
}

/** HEAD and OPTIONS follow from what is given; the rest is 405. Errors become problem details. */
export function methods(handlers: Partial<Record<Verb, Handler>>): Methods {
  const verbs = Object.keys(handlers)
  const allow = [
    ...(handlers.GET === undefined ? [] : ['GET', 'HEAD']),
    ...verbs.filter((verb) => verb !== 'GET'),
  ]
  const headers = { allow: [...allow, 'OPTIONS'].join(', ') }
  const refuse: Handler = async (request) => {
    const possible = `${verbs.join(', ')} ${verbs.length === 1 ? 'is' : 'are'}`
    return problemResponse(
      'method-not-allowed',
      405,
      `${request.method} is not possible here; ${possible}.`,
      {
        headers,
      },
    )
  }
  const caught = (verb: Verb): Handler => {
    const handler = handlers[verb]
    if (handler === undefined) return refuse
    return async (request, context) => {
      try {
        return await handler(request, context)
      } catch (error) {
        return errorResponse(error)
      }
    }
  }
  const list: Handler = async () => new Response(null, { status: 204, headers })
  const get = caught('GET')
  return {
    GET: get,
    HEAD: async (request, context) => {
      const response = await get(request, context)
      await response.body?.cancel()
      return new Response(null, response)
    },
    OPTIONS: list,
    POST: caught('POST'),
    PUT: refuse,
    PATCH: caught('PATCH'),
    DELETE: caught('DELETE'),
  }
}

export function answer(
  body: unknown,
  init: { status?: number; headers?: Record<string, string> } = {},
): Response {
  return Response.json(body, {
    status: init.status ?? 200,
    headers: { 'cache-control': 'no-store', ...init.headers },
  })
}

function invalid(errors: FieldError[]): Response {
  return problemResponse('invalid-parameters', 400, errors.map(({ message }) => message).join(' '), {
    errors,
  })
}

/** Only those that the operation knows: a browser sends many more. */
function parseHeaders(schema: z.ZodObject | undefined, headers: Headers): Parsed<Record<string, unknown>> {
  if (schema === undefined) return { ok: true, value: {} }
  const given = Object.keys(schema.shape).flatMap((name): [string, string][] => {
    const value = headers.get(name)
    return value === null ? [] : [[name, value]]
  })
  return parseParameters(schema, given)
}

function* pathEntries(params: Params): Generator<[string, string]> {
  for (const [name, value] of Object.entries(params ?? {})) {
    if (typeof value === 'string') yield [name, value]
  }
}
