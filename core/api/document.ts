/** The OpenAPI 3.1 document, generated from the schemas that validate. */
import { z } from 'zod'
import { createDocument } from 'zod-openapi'
import { OPERATIONS, type Operation } from './operations.ts'
import { PROBLEM_MEDIA_TYPE, Problem } from './problem.ts'

const problemAnswer = (description: string) => ({
  description,
  content: { [PROBLEM_MEDIA_TYPE]: { schema: Problem } },
})

function pathItem(operationId: string, operation: Operation) {
  const { summary, pathParams, query, headers, body, answer, otherAnswers, refusable } = operation
  const named = Object.keys(pathParams.shape).length > 0 || body !== undefined
  const filtered = 'cacheId' in query.shape
  const json = (schema: z.ZodType) => ({ content: { 'application/json': { schema } } })
  const others = Object.entries(otherAnswers ?? {}).map(([status, { description, schema }]) => [
    status,
    { description, ...(schema === null ? {} : json(schema)) },
  ])
  return {
    operationId,
    summary,
    requestParams: { path: pathParams, query, ...(headers === undefined ? {} : { header: headers }) },
    ...(body === undefined ? {} : { requestBody: { required: true, ...json(body) } }),
    responses: {
      ...(answer instanceof z.ZodNull ? {} : { '200': { description: summary, ...json(answer) } }),
      ...Object.fromEntries(others),
      '400': problemAnswer(
        'A parameter or field is unknown, repeated, empty, of a wrong type or out of range',
      ),
      ...(named || filtered ? { '404': problemAnswer('No such cache, node or mitigation') } : {}),
      ...(refusable ? { '409': problemAnswer('Another mitigation is in the way; its id is told') } : {}),
      ...(body === undefined
        ? {}
        : {
            '413': problemAnswer('The body is too large'),
            '415': problemAnswer('The body is not application/json'),
          }),
      ...(refusable && body !== undefined ? { '422': problemAnswer('Refused, with every reason') } : {}),
      '500': problemAnswer('An error of Cachescope'),
      '503': problemAnswer('The database cannot be read; Retry-After says when to try again'),
    },
  }
}

export function createApiDocument() {
  const paths: Record<string, Record<string, ReturnType<typeof pathItem>>> = {}
  for (const [name, operation] of Object.entries<Operation>(OPERATIONS)) {
    paths[operation.path] = { ...paths[operation.path], [operation.method]: pathItem(name, operation) }
  }
  return createDocument({
    openapi: '3.1.0',
    info: {
      title: 'Cachescope',
      version: '1.0.0',
      description:
        'What Cachescope knows about your caches, and what it is asked to do to them. Times are ISO 8601 in UTC, units are in the names, null is unknown.',
    },
    servers: [{ url: '/' }],
    paths,
  })
}
