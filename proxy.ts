/** Runs before everything that the server answers: pages, API, live stream and static files. */
import { type NextRequest, NextResponse } from 'next/server'
import { PROBLEM_MEDIA_TYPE, problem } from './core/api/problem.ts'
import { refuseRequest } from './core/request-guard.ts'

export function proxy(request: NextRequest): Response {
  const refusal = refuseRequest({
    host: request.headers.get('host'),
    origin: request.headers.get('origin'),
    secFetchSite: request.headers.get('sec-fetch-site'),
    secFetchMode: request.headers.get('sec-fetch-mode'),
    method: request.method,
  })
  if (refusal === null) return NextResponse.next()
  if (request.headers.get('accept')?.includes('text/html')) {
    return new Response(`${refusal.detail}\n`, {
      status: refusal.status,
      headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' },
    })
  }
  return Response.json(problem(refusal.kind, refusal.status, refusal.detail), {
    status: refusal.status,
    headers: { 'content-type': PROBLEM_MEDIA_TYPE, 'cache-control': 'no-store' },
  })
}
