/** The dashboard's API over real HTTP, for applications that ask it for policies: the routes themselves, without Next. */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Store } from '../../store/client.ts'
import { callApi } from './api-client.ts'

export type HttpDashboard = { readonly url: string; stop(): Promise<void> }

/** @param store what the routes read and write, for as long as the process lives */
export async function startHttpDashboard(databaseUrl: string, store: Store): Promise<HttpDashboard> {
  process.env.DATABASE_URL = databaseUrl
  process.env.LOG_LEVEL = 'silent'
  Object.assign(globalThis, { cachescopeStore: store })
  const server = createServer(async (request, response) => {
    const answer = await callApi(request.url ?? '/', {
      method: request.method === 'POST' ? 'POST' : 'GET',
      headers: headersOf(request),
      ...(request.method === 'POST' ? { body: await bodyOf(request) } : {}),
    })
    response.writeHead(answer.status, Object.fromEntries(answer.headers))
    response.end(Buffer.from(await answer.arrayBuffer()))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

function headersOf({ headers }: IncomingMessage): Record<string, string> {
  const { 'if-none-match': etag, 'content-type': type } = headers
  return { ...(etag ? { 'if-none-match': etag } : {}), ...(type ? { 'content-type': type } : {}) }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of request) body += chunk
  return body
}
