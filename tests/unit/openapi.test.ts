import { describe, expect, test } from 'vitest'
import { createApiDocument } from '../../core/api/document.ts'
import { OPERATIONS } from '../../core/api/operations.ts'

const document = createApiDocument()

describe('the OpenAPI document', () => {
  test('is 3.1 and lists exactly the operations', () => {
    expect(document.openapi).toBe('3.1.0')
    expect(Object.keys(document.paths ?? {})).toEqual(Object.values(OPERATIONS).map(({ path }) => path))
  })

  test('declares every placeholder of a path as a required path parameter', () => {
    for (const [path, item] of Object.entries(document.paths ?? {})) {
      const placeholders = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1])
      const declared = (item.get?.parameters ?? []).filter((p) => 'in' in p && p.in === 'path')
      expect(declared.map((p) => 'name' in p && p.name)).toEqual(placeholders)
      expect(declared.every((p) => 'required' in p && p.required)).toBe(true)
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

  test('names what it answers, and resolves every reference', () => {
    const schemas = document.components?.schemas ?? {}
    expect(Object.keys(schemas).sort()).toEqual([
      'Cache',
      'CacheHotKey',
      'Event',
      'HotKey',
      'HotPattern',
      'Node',
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
