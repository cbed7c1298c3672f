import { request } from 'node:http'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type HealthServer, startHealthServer } from '../../../collector/health-server.ts'

let server: HealthServer
beforeAll(async () => {
  server = await startHealthServer({
    host: '127.0.0.1',
    port: 0,
    registry: new Registry(),
    report: () => ({ status: 'ok', message: null }),
  })
})
afterAll(() => server.close())

function answer(path: string, headers: Record<string, string>): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port: server.port, path, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
    })
    asked.on('error', reject)
    asked.end()
  })
}

it.each<[string, Record<string, string>, number]>([
  ['by its address', {}, 200],
  ['by name', { host: 'localhost:9465' }, 200],
  ['by a name that a page elsewhere points here', { host: 'rebound.example:9465' }, 421],
  ["by another site's page", { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }, 403],
  ["with another site's origin", { origin: 'https://elsewhere.example' }, 403],
])('/metrics and /healthz asked %s', async (_, headers, status) => {
  for (const path of ['/metrics', '/healthz']) {
    const { status: got, text } = await answer(path, headers)
    expect(got).toBe(status)
    if (status !== 200) expect(text).toMatch(/^[A-Z].*\.\n$/)
  }
})
