import { describe, expect, test } from 'vitest'
import { readPageRange } from '../../app/_lib/page-range.ts'
import { cacheHref, hotKeysHref, keyHref, nodeHref } from '../../app/_lib/urls.ts'

const NOW = Date.UTC(2026, 0, 1, 12)

describe('the range in a page’s address', () => {
  test.each([
    [{}, '15m'],
    [{ range: '6h' }, '6h'],
    [{ range: ['1h', '7d'] }, '1h'],
    [{ from: '2026-01-01T10:00:00Z', to: '2026-01-01T11:00:00Z' }, 'custom'],
  ])('%o is shown as it is', (params, name) => {
    const page = readPageRange(params, NOW)
    expect(page.notice).toBeNull()
    expect(page.range.name).toBe(name)
  })

  test.each([
    { range: 'banana' },
    { range: '__proto__' },
    { from: 'x' },
    { from: '2', to: '1' },
    { range: '1h', to: '1' },
  ])('%o falls back and says so', (params) => {
    const page = readPageRange(params, NOW)
    expect(page.range.name).toBe('15m')
    expect(page.query).toEqual({})
    expect(page.notice).toMatch(/These are the last 15 minutes\.$/)
  })
})

describe('the address of', () => {
  test.each([
    ['a cache', cacheHref('shop', { range: '1h' }), '/caches/shop?range=1h'],
    ['a node', nodeHref('shop', 7), '/caches/shop/nodes/7'],
    ['a shard’s hot keys', hotKeysHref({ cache: 'shop', shard: 3 }), '/hot-keys?cache=shop&shard=3'],
    ['a key, in the alphabet of addresses', keyHref('shop', 0, '+/+/AA=='), '/caches/shop/keys/0/-_-_AA'],
  ])('%s', (_, got, expected) => {
    expect(got).toBe(expected)
  })
})
