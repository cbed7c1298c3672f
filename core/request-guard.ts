/**
 * Which requests a server on loopback answers. A web page elsewhere can point its own name at 127.0.0.1
 * (DNS rebinding) or send requests across sites; a request that it caused is told by its Host, its Origin
 * and the browser's Sec-Fetch headers, none of which a page can forge.
 */
export type RequestFacts = {
  host: string | null
  origin: string | null
  secFetchSite: string | null
  secFetchMode: string | null
  method: string
}
export type Refusal = { status: 421 | 403; kind: 'wrong-host' | 'cross-site'; detail: string }

const LOOPBACK_HOST = /^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/i

/** @returns null when the request may pass */
export function refuseRequest(request: RequestFacts): Refusal | null {
  if (request.host === null || !LOOPBACK_HOST.test(request.host)) {
    return {
      status: 421,
      kind: 'wrong-host',
      detail: 'Cachescope answers on this machine only: open it as localhost, 127.0.0.1 or [::1].',
    }
  }
  if (request.origin !== null && !isSameOrigin(request.origin, request.host)) return crossSite
  if (request.secFetchSite === 'cross-site' || request.secFetchSite === 'same-site') {
    // Following a link to a page is a person's wish; everything else across sites is a page's.
    const followsLink =
      request.secFetchMode === 'navigate' && (request.method === 'GET' || request.method === 'HEAD')
    if (!followsLink) return crossSite
  }
  return null
}

const crossSite: Refusal = {
  status: 403,
  kind: 'cross-site',
  detail: 'Only the pages of this Cachescope may call it from a browser.',
}

function isSameOrigin(origin: string, host: string): boolean {
  return (
    origin.toLowerCase() === `http://${host}`.toLowerCase() ||
    origin.toLowerCase() === `https://${host}`.toLowerCase()
  )
}
