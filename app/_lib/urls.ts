/** Addresses of the pages; the one place that knows them. */
type RangeParams = { range?: string; from?: string; to?: string }
type Query = Record<string, string | number | null | undefined>

export function withQuery(path: string, query: Query): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== '') search.set(name, String(value))
  }
  const text = search.toString()
  return text === '' ? path : `${path}?${text}`
}

/** The range's own parameters out of a page's, to carry them from page to page. */
export function rangeParams(params: URLSearchParams): RangeParams {
  const read = (name: string) => params.get(name) ?? undefined
  return { range: read('range'), from: read('from'), to: read('to') }
}

export const fleetHref = (range: RangeParams = {}) => withQuery('/', range)
export const cacheHref = (cacheId: string, range: RangeParams = {}) =>
  withQuery(`/caches/${encodeURIComponent(cacheId)}`, range)
export const nodeHref = (cacheId: string, nodeId: number, range: RangeParams = {}) =>
  withQuery(`/caches/${encodeURIComponent(cacheId)}/nodes/${nodeId}`, range)
/** A list of the Hot keys page; without one, the keys by their rate. */
export type HotKeysList = 'patterns' | 'missing' | 'big'
export const hotKeysHref = (
  filter: { cache?: string; shard?: number; pattern?: string; list?: HotKeysList } = {},
  range: RangeParams = {},
) => withQuery('/hot-keys', { ...filter, ...range })

export const mitigationsHref = (filter: { cache?: string } = {}, range: RangeParams = {}) =>
  withQuery('/mitigations', { ...filter, ...range })
export const mitigationHref = (mitigationId: number, range: RangeParams = {}) =>
  withQuery(`/mitigations/${mitigationId}`, range)

/** @param keyBase64 the key in either base64 alphabet, as HotKey.keyBase64 has it */
export function keyHref(cacheId: string, db: number, keyBase64: string, range: RangeParams = {}): string {
  const urlSafe = keyBase64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
  return withQuery(`/caches/${encodeURIComponent(cacheId)}/keys/${db}/${urlSafe}`, range)
}
