/** The API over a seeded fleet, asked for mitigations of a key that is read and hardly written. */
import { expect } from 'vitest'
import { Problem } from '../../core/api/problem.ts'
import { closeStore, openStore, type Store } from '../../store/client.ts'
import { callApi } from './api-client.ts'
import { createTestDatabase } from './postgres.ts'
import { seedFleet } from './seed.ts'
import { seedInstances } from './seed-mitigations.ts'

export const BASE = '/api/v1/mitigations'
export const KEY = btoa('article:42')
export const draft = {
  cacheId: 'shop',
  action: 'split',
  target: { kind: 'key', db: 0, keyBase64: KEY },
  parameters: {},
  expiresInSeconds: 600,
}
export const request = { ...draft, actor: 'Ada', reason: 'The front page links to it.' }

export type MitigationApi = {
  readonly store: Store
  /** Figures of this moment: what is old is refused. */
  freshen(): Promise<void>
  ask(body?: Record<string, unknown>, headers?: Record<string, string>): Promise<Response>
  drainAll(): Promise<void>
  stop(): Promise<void>
}

export async function startMitigationApi(): Promise<MitigationApi> {
  const database = await createTestDatabase()
  process.env.DATABASE_URL = database.url
  process.env.LOG_LEVEL = 'silent'
  const store = openStore(database.url)
  Object.assign(globalThis, { cachescopeStore: store })
  const freshen = async () => {
    await seedFleet(store, { minutes: 0.5, hotKeyWrites: 0.0001 })
    // A history takes its time: its newest figures are of its beginning.
    await seedFleet(store, { minutes: 0, hotKeyWrites: 0.0001 })
    await seedInstances(store)
  }
  await freshen()
  return {
    store,
    freshen,
    async ask(body = request, headers = {}) {
      await freshen()
      return send('POST', BASE, body, headers)
    },
    async drainAll() {
      await store.pool.query(`UPDATE mitigation SET phase = 'off' WHERE phase <> 'off'`)
    },
    async stop() {
      await closeStore(store)
      await database.drop()
    },
  }
}

export function send(
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE' | 'PUT',
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Response> {
  return callApi(path, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
}

export async function problemOf(response: Response, status: number): Promise<Problem> {
  expect(response.status).toBe(status)
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  return Problem.parse(await response.json())
}
