import { describe, expect, test } from 'vitest'
import { createApiDocument } from '../../core/api/document.ts'
import { OPERATIONS } from '../../core/api/operations.ts'

const document = createApiDocument()
const METHODS = ['get', 'post', 'patch', 'delete'] as const

describe('the OpenAPI document', () => {
  test('is 3.1 and lists exactly the operations', () => {
    expect(document.openapi).toBe('3.1.0')
    const listed = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
      METHODS.filter((method) => item[method] !== undefined).map((method) => `${method} ${path}`),
    )
    const declared = Object.values(OPERATIONS).map(({ method, path }) => `${method} ${path}`)
    expect(listed.sort()).toEqual(declared.sort())
  })

  test('declares every placeholder of a path as a required path parameter', () => {
    for (const [path, item] of Object.entries(document.paths ?? {})) {
      const placeholders = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1])
      for (const method of METHODS) {
        if (item[method] === undefined) continue
        const declared = (item[method]?.parameters ?? []).filter((p) => 'in' in p && p.in === 'path')
        expect(declared.map((p) => 'name' in p && p.name)).toEqual(placeholders)
        expect(declared.every((p) => 'required' in p && p.required)).toBe(true)
      }
    }
  })

  test('shows the bounds that validate', () => {
    const parameters = document.paths?.['/api/v1/hot-keys']?.get?.parameters ?? []
    const limit = parameters.find((p) => 'name' in p && p.name === 'limit')
    expect(limit).toMatchObject({
      in: 'query',
      schema: { type: 'integer', minimum: 1, maximum: 500, default: 100 },
    })
  })

  test('says which body and which header an operation takes, and what it may refuse', () => {
    const post = document.paths?.['/api/v1/mitigations']?.post
    expect(post?.requestBody).toMatchObject({ required: true, content: { 'application/json': {} } })
    expect(post?.parameters).toContainEqual(
      expect.objectContaining({ in: 'header', name: 'idempotency-key' }),
    )
    expect(Object.keys(post?.responses ?? {})).toEqual(
      expect.arrayContaining(['201', '409', '413', '415', '422']),
    )
    const poll = document.paths?.['/api/v1/policies']?.get
    expect(Object.keys(poll?.responses ?? {})).toEqual(expect.arrayContaining(['200', '304']))
  })

  test('names what it answers, and resolves every reference', () => {
    const schemas = document.components?.schemas ?? {}
    expect(Object.keys(schemas).sort()).toEqual([
      'AdviceRequest',
      'AppInstance',
      'Cache',
      'CacheHotKey',
      'Event',
      'HeartbeatReport',
      'HotKey',
      'HotPattern',
      'Mitigation',
      'MitigationAdvice',
      'MitigationDetail',
      'MitigationPreview',
      'MitigationRequest',
      'Node',
      'PolicyDocument',
      'Problem',
      'Sample',
      'Shard',
      'Watching',
    ])
    const text = JSON.stringify(document)
    for (const [, name] of text.matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
      expect(schemas).toHaveProperty(name as string)
    }
  })

  test('a hot key has the documented fields and nothing else', () => {
    expect(document.components?.schemas?.HotKey).toMatchObject({
      required: expect.arrayContaining(['key', 'keyBase64', 'share', 'shareLow', 'shareHigh', 'window']),
    })
  })
})
