/** /healthz and /metrics, for this machine only. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Registry } from 'prom-client'
import { CachescopeError } from '../core/errors.ts'
import { type Refusal, refuseRequest } from '../core/request-guard.ts'

export type HealthReport = {
  status: 'starting' | 'ok' | 'degraded' | 'stalled'
  /** One sentence: why it is not ok. */
  message: string | null
} & Record<string, unknown>

export type HealthServer = { port: number; close(): Promise<void> }

/** @throws CachescopeError config-invalid when the port is taken or the host is not this machine's */
export async function startHealthServer(options: {
  host: string
  port: number
  registry: Registry
  report(): HealthReport
}): Promise<HealthServer> {
  const server = createServer((request, response) => {
    const refusal = refusalOf(request)
    if (refusal) return send(response, refusal.status, 'text/plain', `${refusal.detail}\n`)
    const path = (request.url ?? '/').split('?')[0]
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return send(response, 405, 'text/plain', 'GET only\n')
    if (path === '/healthz') return sendHealth(response, options.report())
    if (path === '/metrics') return void sendMetrics(response, options.registry)
    return send(response, 404, 'text/plain', 'There is /healthz and /metrics.\n')
  })
  await listen(server, options.host, options.port)
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function refusalOf({ headers, method }: IncomingMessage): Refusal | null {
  const header = (name: string) => headers[name]?.toString() ?? null
  return refuseRequest({
    host: header('host'),
    origin: header('origin'),
    secFetchSite: header('sec-fetch-site'),
    secFetchMode: header('sec-fetch-mode'),
    method: method ?? '',
  })
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why =
        error.code === 'EADDRINUSE' ? `port ${port} of ${host} is taken` : `${host}:${port} cannot be used`
      const message = `The collector's metrics: ${why}. Set CACHESCOPE_METRICS_PORT to another port, or to 0 for none.`
      reject(
        new CachescopeError('config-invalid', message, { where: 'CACHESCOPE_METRICS_PORT', cause: error }),
      )
    })
    server.listen(port, host, () => resolve())
  })
}

function sendHealth(response: ServerResponse, report: HealthReport): void {
  const isServing = report.status === 'ok' || report.status === 'degraded'
  send(response, isServing ? 200 : 503, 'application/json', `${JSON.stringify(report)}\n`)
}

async function sendMetrics(response: ServerResponse, registry: Registry): Promise<void> {
  try {
    send(response, 200, registry.contentType, await registry.metrics())
  } catch {
    send(response, 500, 'text/plain', 'The metrics could not be read.\n')
  }
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' })
  response.end(body)
}
