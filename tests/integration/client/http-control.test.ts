/** Policies and heartbeats over HTTP: ETags, long polls, and a control plane that dies. */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Redis } from 'ioredis'
import { expect, test } from 'vitest'
import { cachescope, inspect } from '../../../client/index.ts'
import type { Heartbeat } from '../../../core/protocol/heartbeat.ts'
import { keyPolicy, localPolicy, policyDocument } from '../../support/hot-client.ts'
import { startRedis, until } from '../../support/redis.ts'

test('asks for policies, confirms them by their ETag, tells of itself, and lets go when nobody answers', async () => {
  const server = await startRedis()
  const document = policyDocument([keyPolicy('k', { local: localPolicy() })], { leaseMs: 4_000 })
  const asked: IncomingMessage[] = []
  const told: { cacheId: string; heartbeat: Heartbeat }[] = []
  const control = createServer(async (request, response) => {
    if (request.method === 'POST') {
      let body = ''
      for await (const chunk of request) body += chunk
      told.push(JSON.parse(body))
      return response.writeHead(204).end()
    }
    asked.push(request)
    if (request.headers['if-none-match'] === '"one"') return response.writeHead(304).end()
    response.writeHead(200, { etag: '"one"' }).end(JSON.stringify(document))
  })
  await new Promise<void>((resolve) => control.listen(0, '127.0.0.1', () => resolve()))
  const { port } = control.address() as AddressInfo
  const client = cachescope(new Redis(server.port), {
    app: 'shop',
    control: { url: `http://127.0.0.1:${port}`, cacheId: 'main' },
  })
  try {
    await until('it is applied and told', () => told.some(({ heartbeat }) => heartbeat.rev === document.rev))
    expect(told[0]).toMatchObject({ cacheId: 'main', heartbeat: { v: 1, app: 'shop' } })
    expect(asked[0]?.url).toBe('/api/v1/policies?cacheId=main&app=shop&rev=0')
    const since = performance.now()
    await until('it is confirmed past its lease', () => {
      const status = inspect(client)
      const isInForce = status?.rev === document.rev && status.state === 'applying'
      return isInForce && performance.now() - since > 4_500
    })
    expect(asked.some(({ headers }) => headers['if-none-match'] === '"one"')).toBe(true)
    control.closeAllConnections()
    control.close()
    await until('nothing is in force', () => inspect(client)?.state === 'passing')
    expect(await client.set('k', 'v')).toBe('OK')
    expect(await client.get('k')).toBe('v')
  } finally {
    client.disconnect()
    control.close()
    await server.stop()
  }
})

test('a policy that is prepared is told of a second time before the ordinary five seconds, so that a rate can be made of it', async () => {
  const server = await startRedis()
  const document = policyDocument([keyPolicy('k', { phase: 'prepare', local: localPolicy() })])
  const told: { reads: number; p99Us: number | null; at: number }[] = []
  const control = createServer(async (request, response) => {
    if (request.method !== 'POST') return response.writeHead(200).end(JSON.stringify(document))
    let body = ''
    for await (const chunk of request) body += chunk
    const { heartbeat } = JSON.parse(body) as { heartbeat: Heartbeat }
    for (const { reads, p99Us } of heartbeat.policies) told.push({ reads, p99Us, at: heartbeat.at })
    response.writeHead(204).end()
  })
  await new Promise<void>((resolve) => control.listen(0, '127.0.0.1', () => resolve()))
  const { port } = control.address() as AddressInfo
  const client = cachescope(new Redis(server.port), {
    app: 'shop',
    control: { url: `http://127.0.0.1:${port}`, cacheId: 'main' },
  })
  try {
    await until('it has told twice', async () => {
      await client.get('k')
      return told.length > 1
    })
    const [first, second] = told
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeLessThan(4_900)
    expect(second?.reads).toBeGreaterThan(first?.reads ?? 0)
    expect(second?.p99Us).toBeGreaterThan(0)
  } finally {
    client.disconnect()
    control.closeAllConnections()
    control.close()
    await server.stop()
  }
})
