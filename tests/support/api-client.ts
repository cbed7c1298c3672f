/** Calls the API's route handlers as Next would, without a server. */

import * as unknown from '../../app/api/[...path]/route.ts'
import * as live from '../../app/api/live/route.ts'
import * as appInstances from '../../app/api/v1/app-instances/route.ts'
import * as cache from '../../app/api/v1/caches/[cacheId]/route.ts'
import * as shards from '../../app/api/v1/caches/[cacheId]/shards/route.ts'
import * as caches from '../../app/api/v1/caches/route.ts'
import * as events from '../../app/api/v1/events/route.ts'
import * as heartbeats from '../../app/api/v1/heartbeats/route.ts'
import * as hotKeys from '../../app/api/v1/hot-keys/route.ts'
import * as hotPatterns from '../../app/api/v1/hot-patterns/route.ts'
import * as mitigation from '../../app/api/v1/mitigations/[mitigationId]/route.ts'
import * as advice from '../../app/api/v1/mitigations/advice/route.ts'
import * as preview from '../../app/api/v1/mitigations/preview/route.ts'
import * as mitigations from '../../app/api/v1/mitigations/route.ts'
import * as node from '../../app/api/v1/nodes/[nodeId]/route.ts'
import * as nodes from '../../app/api/v1/nodes/route.ts'
import * as openapi from '../../app/api/v1/openapi.json/route.ts'
import * as policies from '../../app/api/v1/policies/route.ts'
import * as samples from '../../app/api/v1/samples/route.ts'

const ROUTES: [string, typeof caches][] = [
  ['/api/v1/caches', caches],
  ['/api/v1/caches/[cacheId]', cache],
  ['/api/v1/caches/[cacheId]/shards', shards],
  ['/api/v1/nodes', nodes],
  ['/api/v1/nodes/[nodeId]', node],
  ['/api/v1/samples', samples],
  ['/api/v1/hot-keys', hotKeys],
  ['/api/v1/hot-patterns', hotPatterns],
  ['/api/v1/events', events],
  ['/api/v1/mitigations', mitigations],
  ['/api/v1/mitigations/preview', preview],
  ['/api/v1/mitigations/advice', advice],
  ['/api/v1/mitigations/[mitigationId]', mitigation],
  ['/api/v1/policies', policies],
  ['/api/v1/heartbeats', heartbeats],
  ['/api/v1/app-instances', appInstances],
  ['/api/v1/openapi.json', openapi],
  ['/api/live', live],
  ['/api/.*', unknown],
]

type Method = keyof typeof caches

export function callApi(path: string, init: RequestInit & { method?: Method } = {}): Promise<Response> {
  const url = new URL(path, 'http://localhost:3000')
  for (const [pattern, handlers] of ROUTES) {
    const match = new RegExp(`^${pattern.replaceAll(/\[(\w+)\]/g, '(?<$1>[^/]+)')}$`).exec(url.pathname)
    if (match === null) continue
    const params = Object.entries(match.groups ?? {}).map(([name, value]) => [
      name,
      decodeURIComponent(value),
    ])
    return handlers[init.method ?? 'GET'](new Request(url, init), {
      params: Promise.resolve(params.length === 0 ? undefined : Object.fromEntries(params)),
    })
  }
  throw new Error(`${path} is not the API's`)
}
