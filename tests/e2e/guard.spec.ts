import { request } from 'node:http'
import { expect, fleetUrl, test } from './support/test.ts'

/** fetch would not let us write these headers. */
function ask(path: string, headers: Record<string, string>, method = 'GET'): Promise<number | undefined> {
  const { hostname, port } = new URL(fleetUrl())
  return new Promise((resolve, reject) => {
    const asked = request({
      hostname,
      port,
      path,
      method,
      headers: { host: `${hostname}:${port}`, ...headers },
    })
    asked.once('response', (response) => {
      response.destroy()
      resolve(response.statusCode)
    })
    asked.once('error', reject)
    asked.end()
  })
}

const PATHS = ['/', '/hot-keys', '/api/v1/caches', '/api/v1/openapi.json', '/api/live', '/icon.svg']

test('another name for this machine is 421 everywhere', async () => {
  for (const path of [...PATHS, '/_next/static/chunks/any.js']) {
    for (const host of ['evil.example', 'evil.example:3000', 'localhost.evil.example', '0.0.0.0']) {
      expect(await ask(path, { host }), `${path} as ${host}`).toBe(421)
    }
  }
})

test('another site is 403 everywhere', async () => {
  const causes: Record<string, string>[] = [
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: 'http://localhost:1' },
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' },
  ]
  for (const path of PATHS) {
    for (const headers of causes) {
      expect(await ask(path, headers), `${path} with ${JSON.stringify(headers)}`).toBe(403)
    }
  }
})

test('no other site can ask for a mitigation, drain one, or report as an application', async () => {
  const asks: [string, string][] = [
    ['/api/v1/mitigations', 'POST'],
    ['/api/v1/mitigations/preview', 'POST'],
    ['/api/v1/mitigations/1', 'PATCH'],
    ['/api/v1/mitigations/1?actor=a&reason=b', 'DELETE'],
    ['/api/v1/heartbeats', 'POST'],
  ]
  for (const [path, method] of asks) {
    expect(await ask(path, { origin: 'https://evil.example' }, method), path).toBe(403)
    const site = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }
    expect(await ask(path, site, method), path).toBe(403)
    expect(await ask(path, { host: 'evil.example' }, method), path).toBe(421)
  }
})

test('this machine by any of its names, and a link followed from elsewhere, are answered', async () => {
  const { port } = new URL(fleetUrl())
  for (const path of PATHS) {
    for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`, 'localhost']) {
      expect(await ask(path, { host }), `${path} as ${host}`).toBe(200)
    }
    const link = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }
    expect(await ask(path, link)).toBe(200)
  }
})

test('a refused page says what to do, in plain words', async () => {
  const { port } = new URL(fleetUrl())
  const headers = { host: 'evil.example', accept: 'text/html' }
  const text = await new Promise<string>((resolve, reject) => {
    const asked = request({ hostname: '127.0.0.1', port, path: '/', headers }, async (response) => {
      resolve(Buffer.concat(await response.toArray()).toString())
    })
    asked.once('error', reject)
    asked.end()
  })
  expect(text).toContain('open it as localhost')
})
