import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { AdviceAnswer } from '../../core/api/advice.ts'
import { Mitigation, MitigationDetail, Preview } from '../../core/mitigations/model.ts'
import type { Store } from '../../store/client.ts'
import { callApi } from '../support/api-client.ts'
import {
  BASE,
  draft,
  KEY,
  type MitigationApi,
  problemOf,
  request,
  send,
  startMitigationApi,
} from '../support/mitigation-api.ts'
import { seedMitigations } from '../support/seed-mitigations.ts'

let api: MitigationApi
let store: Store

beforeAll(async () => {
  api = await startMitigationApi()
  store = api.store
})
afterAll(() => api?.stop())

const keyed = (name: string) => ({ ...request, target: { kind: 'key', db: 0, keyBase64: btoa(name) } })

describe('asking for a mitigation', () => {
  test('a preview writes nothing and is as its schema says', async () => {
    await api.freshen()
    const response = await send('POST', `${BASE}/preview`, draft)
    expect(response.status).toBe(200)
    const preview: unknown = await response.json()
    expect(Preview.parse(preview)).toEqual(preview)
    expect(preview).toMatchObject({ action: 'split', refusals: [] })
    expect(await (await send('GET', BASE)).json()).toEqual({ items: [], nextCursor: null })
  })

  test('the advice names one that fits, and why', async () => {
    await api.freshen()
    const response = await send('POST', `${BASE}/advice`, { cacheId: 'shop', db: 0, keyBase64: KEY })
    expect(response.status).toBe(200)
    const advice = AdviceAnswer.parse(await response.json())
    expect(advice.action).not.toBeNull()
    expect(advice.because).toMatch(/\d/)
  })

  test('a dry run answers the preview and writes nothing', async () => {
    const response = await api.ask({ ...request, dryRun: true })
    expect(response.status).toBe(200)
    expect(Preview.parse(await response.json()).action).toBe('split')
    expect(await (await send('GET', BASE)).json()).toMatchObject({ items: [] })
  })

  test('201 with its address; the same key again is 200 and the same one; another request with it is 409', async () => {
    const headers = { 'idempotency-key': 'press-1' }
    const first = await api.ask(request, headers)
    expect(first.status).toBe(201)
    const made = Mitigation.parse(await first.json())
    expect(first.headers.get('location')).toBe(`${BASE}/${made.mitigationId}`)
    expect(made).toMatchObject({ phase: 'prepare', desired: 'on', actor: 'Ada', label: 'article:42' })
    expect(made).toMatchObject({ requestedBy: 'Ada', isMeasured: false })
    expect(made.preview?.action).toBe('split')

    const again = await api.ask(request, headers)
    expect(again.status).toBe(200)
    expect(Mitigation.parse(await again.json()).mitigationId).toBe(made.mitigationId)

    await problemOf(await api.ask({ ...request, action: 'replicate' }, headers), 409)
  })

  test('two people at once get one mitigation, and the second its number', async () => {
    await api.drainAll()
    await api.freshen()
    const answers = await Promise.all([
      send('POST', BASE, request),
      send('POST', BASE, { ...request, actor: 'Grace' }),
    ])
    const [won] = answers.filter(({ status }) => status === 201)
    const [lost] = answers.filter(({ status }) => status === 409)
    if (won === undefined || lost === undefined) throw new Error(`${answers.map(({ status }) => status)}`)
    const { mitigationId } = Mitigation.parse(await won.json())
    const problem = await problemOf(lost, 409)
    expect(problem.type).toBe('urn:cachescope:problem:mitigation-conflict')
    expect(problem.mitigationId).toBe(mitigationId)
    expect(problem.detail).toContain(String(mitigationId))
  })

  test('what is refused says every reason, and what may be taken on', async () => {
    const response = await api.ask({ ...keyed('session:9'), action: 'split' })
    const problem = await problemOf(response, 422)
    expect(problem.type).toBe('urn:cachescope:problem:mitigation-refused')
    expect(problem.refusals?.length).toBeGreaterThan(0)
    for (const { message } of problem.refusals ?? []) expect(problem.detail).toContain(message)
  })

  test('a cache with mitigations switched off refuses, without a way around', async () => {
    await store.pool.query('UPDATE cache SET mitigations_enabled = false')
    const response = await send('POST', BASE, { ...request, overrides: ['switched-off'] })
    const { refusals } = await problemOf(response, 422)
    expect(refusals).toContainEqual(expect.objectContaining({ id: 'switched-off', overridable: false }))
    await store.pool.query('UPDATE cache SET mitigations_enabled = true')
  })
})

describe('what is sent', () => {
  const bodies: [string, unknown, number, string | null][] = [
    ['no JSON', '{"cacheId": "shop",}', 400, 'body'],
    ['nothing', '', 400, 'body'],
    ['a list', [], 400, null],
    ['an unknown field', { ...request, ttl: 5 }, 400, 'ttl'],
    ['an unknown parameter', { ...request, parameters: { shards: 2 } }, 400, 'parameters.shards'],
    ['an unknown action', { ...request, action: 'restart' }, 400, 'action'],
    ['a wrong target', { ...request, target: { kind: 'node', nodeId: 1 } }, 400, 'target.kind'],
    ['no actor', { ...draft, reason: 'x' }, 400, 'actor'],
    ['no reason', { ...request, reason: '  ' }, 400, 'reason'],
    ['too long a life', { ...request, expiresInSeconds: 86_401 }, 400, 'expiresInSeconds'],
    ['another cache', { ...request, cacheId: 'nowhere' }, 404, null],
  ]
  test.each(bodies)('%s', async (_, body, status, field) => {
    const problem = await problemOf(await send('POST', BASE, body), status)
    if (field !== null) expect(problem.errors?.map((error) => error.field)).toContain(field)
  })

  test('malformed JSON says where, and repeats nothing of it', async () => {
    const problem = await problemOf(await send('POST', BASE, '{\n  "cacheId": hunter2\n}'), 400)
    expect(problem.detail).toMatch(/line 2, column 1\d/)
    expect(problem.detail).not.toContain('hunter2')
  })

  test.each([undefined, 'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data'])(
    'a body of type %s is 415: no form of another site can send one',
    async (type) => {
      const response = await callApi(BASE, {
        method: 'POST',
        headers: type === undefined ? {} : { 'content-type': type },
        body: new TextEncoder().encode(JSON.stringify(request)),
      })
      await problemOf(response, 415)
    },
  )

  test('a body of more than 256 KiB is 413', async () => {
    await problemOf(await send('POST', BASE, { ...request, reason: 'x'.repeat(300_000) }), 413)
  })

  test('a bad idempotency key is named', async () => {
    const problem = await problemOf(await send('POST', BASE, request, { 'idempotency-key': 'a b' }), 400)
    expect(problem.errors?.[0]?.field).toBe('idempotency-key')
  })

  test('other methods are 405 with those that are possible', async () => {
    const response = await send('PUT', BASE, request)
    await problemOf(response, 405)
    expect(response.headers.get('allow')).toBe('GET, HEAD, POST, OPTIONS')
    const one = await callApi(`${BASE}/1`, { method: 'OPTIONS' })
    expect(one.headers.get('allow')).toBe('GET, HEAD, PATCH, DELETE, OPTIONS')
  })
})

describe('one that is there', () => {
  let mitigationId: number
  beforeAll(async () => {
    await api.drainAll()
    const made = await api.ask()
    expect(made.status).toBe(201)
    mitigationId = Mitigation.parse(await made.json()).mitigationId
  })

  test('is listed, and told with its revisions and steps', async () => {
    const page = z.object({ items: z.array(Mitigation) })
    const running = page.parse(await (await send('GET', `${BASE}?cacheId=shop&running=true`)).json())
    expect(running.items.map((one) => one.mitigationId)).toEqual([mitigationId])
    const past = page.parse(await (await send('GET', `${BASE}?running=false&limit=1`)).json())
    expect(past.items).toHaveLength(1)
    const body: unknown = await (await send('GET', `${BASE}/${mitigationId}`)).json()
    expect(MitigationDetail.parse(body)).toEqual(body)
    expect(body).toMatchObject({ revisions: [{ actor: 'Ada', desired: 'on' }], steps: [] })
  })

  test('is extended, then drained; both leave a revision', async () => {
    const before = Date.now()
    const extended = await send('PATCH', `${BASE}/${mitigationId}`, {
      actor: 'Grace',
      reason: 'still hot',
      expiresInSeconds: 7_200,
    })
    expect(extended.status).toBe(200)
    const { expiresAt, actor, requestedBy } = Mitigation.parse(await extended.json())
    expect([requestedBy, actor]).toEqual(['Ada', 'Grace'])
    expect(Date.parse(expiresAt)).toBeGreaterThanOrEqual(before + 7_200_000 - 1_000)

    const drained = await send('DELETE', `${BASE}/${mitigationId}?actor=Ada&reason=over`)
    expect(drained.status).toBe(200)
    expect(Mitigation.parse(await drained.json())).toMatchObject({
      desired: 'off',
      actor: 'Ada',
      reason: 'over',
    })
    const again = await send('DELETE', `${BASE}/${mitigationId}?actor=Grace&reason=again`)
    expect(Mitigation.parse(await again.json()).actor).toBe('Ada')
    const late = await send('PATCH', `${BASE}/${mitigationId}`, { actor: 'Grace', reason: 'no, wait' })
    expect((await problemOf(late, 409)).mitigationId).toBe(mitigationId)
    const detail = MitigationDetail.parse(await (await send('GET', `${BASE}/${mitigationId}`)).json())
    expect(detail.revisions.map(({ actor, desired }) => [actor, desired])).toEqual([
      ['Ada', 'on'],
      ['Grace', 'on'],
      ['Ada', 'off'],
    ])
  })

  test('who and why are asked for', async () => {
    const problem = await problemOf(await send('DELETE', `${BASE}/${mitigationId}`), 400)
    expect(problem.errors?.map(({ field }) => field)).toEqual(['actor', 'reason'])
  })

  test('one that is not there is 404', async () => {
    await problemOf(await send('GET', `${BASE}/999999`), 404)
    await problemOf(await send('DELETE', `${BASE}/999999?actor=a&reason=b`), 404)
    await problemOf(await send('GET', `${BASE}/0`), 400)
    await problemOf(await send('GET', `${BASE}?cacheId=nowhere`), 404)
  })
})

test('every phase, verdict and end is answered as its schema says', async () => {
  await api.drainAll()
  const { byLabel } = await seedMitigations(store)
  const told = await Promise.all(
    [...byLabel.values()].map(async (mitigationId) => {
      const body: unknown = await (await send('GET', `${BASE}/${mitigationId}`)).json()
      const detail = MitigationDetail.parse(body)
      expect(detail).toEqual(body)
      return detail
    }),
  )
  expect(new Set(told.map(({ phase }) => phase))).toEqual(new Set(['prepare', 'active', 'draining', 'off']))
  const verdicts = new Set(told.map(({ proof }) => proof?.verdict ?? null))
  expect(verdicts).toEqual(new Set(['worked', 'no-effect', 'harmful', null]))
})
