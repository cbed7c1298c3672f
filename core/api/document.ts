/** The OpenAPI 3.1 document, generated from the schemas that validate. */
import { createDocument } from 'zod-openapi'
import { OPERATIONS, type Operation } from './operations.ts'
import { PROBLEM_MEDIA_TYPE, Problem } from './problem.ts'

const problemAnswer = (description: string) => ({
  description,
  content: { [PROBLEM_MEDIA_TYPE]: { schema: Problem } },
})

function pathItem(operationId: string, operation: Operation) {
  const named = Object.keys(operation.pathParams.shape).length > 0
  const filtered = 'cacheId' in operation.query.shape
  return {
    operationId,
    summary: operation.summary,
    requestParams: { path: operation.pathParams, query: operation.query },
    responses: {
      '200': {
        description: operation.summary,
        content: { 'application/json': { schema: operation.answer } },
      },
      '400': problemAnswer('A parameter is unknown, repeated, empty, of a wrong type or out of range'),
      ...(named || filtered ? { '404': problemAnswer('No such cache or node') } : {}),
      '500': problemAnswer('An error of Cachescope'),
      '503': problemAnswer('The database cannot be read; Retry-After says when to try again'),
    },
  }
}

export function createApiDocument() {
  const entries = Object.entries(OPERATIONS)
  return createDocument({
    openapi: '3.1.0',
    info: {
      title: 'Cachescope',
      version: '1.0.0',
      description:
        'What Cachescope knows about your caches. Times are ISO 8601 in UTC, units are in the names, null is unknown.',
    },
    servers: [{ url: '/' }],
    paths: Object.fromEntries(
      entries.map(([name, operation]) => [operation.path, { get: pathItem(name, operation) }]),
    ),
  })
}
