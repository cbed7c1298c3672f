/** What is asked for, as the database keeps it: one a target, the same answer to the same question, pages, fences. */
import { beforeAll, describe, expect, it } from 'vitest'
import type { Store } from '../../../store/client.ts'
import { acquireLeases } from '../../../store/leases.ts'
import { drainMitigation, extendMitigation } from '../../../store/mitigation-changes.ts'
import {
  listRunning,
  patchMitigation,
  savePhase,
  saveStepEnded,
  saveStepStarted,
} from '../../../store/mitigation-progress.ts'
import { createMitigation, getMitigation, listMitigations } from '../../../store/mitigations.ts'
import { dropExpired } from '../../../store/retention.ts'
import { saveCaches } from '../../../store/topology.ts'
import { saveOff, WRITER } from '../../support/mitigation-off.ts'
import { create, detailOf, requestOf } from '../../support/mitigation-world.ts'
import { openShopStore } from '../../support/shop-store.ts'

let store: Store
const change = { actor: 'bob', reason: 'over' }
const DAY_MS = 86_400_000

beforeAll(async () => {
  const shop = await openShopStore()
  store = shop.store
  return shop.close
})

const off = (mitigationId: number, now?: number) => saveOff(store, mitigationId, now)

describe('a request', () => {
  it('of two at once makes one mitigation, and tells the other who has it', async () => {
    const ask = (actor: string) =>
      createMitigation(store, requestOf('split', 'twice', { actor }), {
        idempotencyKey: null,
        preview: null,
        label: 'twice',
        now: Date.now(),
      })
    const answers = await Promise.allSettled(['ada', 'bob', 'cy'].map(ask))
    const made = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))
    expect(made).toHaveLength(1)
    const { mitigationId, actor, createdAt } = made[0]?.mitigation ?? {}
    for (const answer of answers) {
      if (answer.status === 'fulfilled') continue
      expect(answer.reason).toMatchObject({
        code: 'mitigation-conflict',
        message: `${actor} started split of twice at ${createdAt}: mitigation ${mitigationId} is being prepared. Drain or extend that one, or wait for its end.`,
        where: `mitigations/${mitigationId}`,
      })
    }
    await off(mitigationId ?? 0)
    await expect(ask('dee')).resolves.toMatchObject({ created: true })
  })

  it('of one key more than a policy document has room for is refused', async () => {
    await saveCaches(store, [
      { cacheId: 'shop', kind: 'cluster', seeds: ['a:1'], intervalMs: 1_000, mitigationsEnabled: true },
      { cacheId: 'full', kind: 'cluster', seeds: ['b:1'], intervalMs: 1_000, mitigationsEnabled: true },
    ])
    const ask = (key: string) => create(store, requestOf('split', key, { cacheId: 'full' }))
    for (let index = 0; index < 64; index++) await ask(`key:${index}`)
    await expect(ask('one more')).rejects.toMatchObject({
      code: 'mitigation-conflict',
      message: expect.stringMatching(/^64 mitigations of keys run in full/),
    })
    await expect(create(store, requestOf('split', 'one more'))).resolves.toBeGreaterThan(0)
  })

  it('with the same idempotency key is the same one, also at once; another request may not have it', async () => {
    const ask = (key: string) =>
      createMitigation(store, requestOf('split', key), {
        idempotencyKey: 'k1',
        preview: null,
        label: key,
        now: Date.now(),
      })
    const answers = await Promise.all([ask('same'), ask('same'), ask('same')])
    expect(new Set(answers.map(({ mitigation }) => mitigation.mitigationId)).size).toBe(1)
    expect(answers.filter(({ created }) => created)).toHaveLength(1)
    await off(answers[0].mitigation.mitigationId)
    expect((await ask('same')).created).toBe(false)
    await expect(ask('other')).rejects.toMatchObject({
      code: 'mitigation-conflict',
      where: 'idempotency-key',
    })
  })

  it('of a cache that is not there is refused', async () => {
    const request = requestOf('split', 'x', { cacheId: 'gone' })
    await expect(create(store, request)).rejects.toMatchObject({ code: 'not-found' })
  })

  it('may be aimed at a key longer than an index takes', async () => {
    const id = await create(store, requestOf('split', 'k'.repeat(60_000)))
    expect((await detailOf(store, id)).phase).toBe('prepare')
    await off(id)
  })
})

describe('a mitigation', () => {
  it('is extended and drained by revisions, and says so where that is too late', async () => {
    const id = await create(store, requestOf('split', 'revised'))
    const before = await detailOf(store, id)
    const extended = await extendMitigation(store, id, { ...change, expiresInSeconds: 7_200 }, Date.now())
    expect(Date.parse(extended.expiresAt)).toBeGreaterThan(Date.parse(before.expiresAt))
    expect(extended.rev).toBeGreaterThan(before.rev)
    const drained = await drainMitigation(store, id, change, Date.now())
    expect(drained).toMatchObject({ desired: 'off', actor: 'bob', requestedBy: 'ada' })
    await expect(create(store, requestOf('split', 'revised'))).rejects.toThrow(
      /^ada started split of revised/,
    )
    // Pressed again: the same answer, no other revision.
    await drainMitigation(store, id, { actor: 'cy', reason: 'again' }, Date.now())
    expect((await detailOf(store, id)).revisions.map(({ actor, desired }) => `${actor} ${desired}`)).toEqual([
      'ada on',
      'bob on',
      'bob off',
    ])
    await expect(extendMitigation(store, id, change, Date.now())).rejects.toThrow(/is being drained/)
    await off(id)
    await expect(drainMitigation(store, id, change, Date.now())).rejects.toThrow(/is off already/)
    await expect(drainMitigation(store, 999_999, change, Date.now())).rejects.toMatchObject({
      code: 'not-found',
    })
  })

  it('says that only its effect is measured once the step is written that nothing is left to do', async () => {
    const id = await create(store, requestOf('split', 'finished'))
    await acquireLeases(store, 'me', ['shop'], 60_000)
    const now = Date.now()
    const to = { outcome: null, message: null, event: 'on', now }
    await savePhase(store, WRITER, { mitigationId: id, from: 'prepare', to: 'active', ...to })
    const step = {
      mitigationId: id,
      phase: 'active' as const,
      name: 'finish',
      node: null,
      command: null,
      now,
    }
    const stepId = await saveStepStarted(store, WRITER, step)
    expect((await detailOf(store, id)).isMeasured).toBe(false)
    await saveStepEnded(store, WRITER, stepId ?? 0, { result: 'ok', message: null, now })
    expect(await detailOf(store, id)).toMatchObject({ isMeasured: true, steps: [{ result: 'ok' }] })
    await off(id)
    expect((await detailOf(store, id)).isMeasured).toBe(false)
  })

  it('is read as one moment has it: never off beside a step that has not ended', async () => {
    for (let round = 0; round < 20; round++) {
      const id = await create(store, requestOf('split', `read:${round}`))
      await acquireLeases(store, 'me', ['shop'], 60_000)
      const now = Date.now()
      const step = { mitigationId: id, phase: 'prepare' as const, name: 'x', node: null, command: null, now }
      const stepId = await saveStepStarted(store, WRITER, step)
      const ends = async () => {
        await saveStepEnded(store, WRITER, stepId ?? 0, { result: 'ok', message: null, now })
        await off(id)
      }
      const reads = Array.from({ length: 8 }, () => detailOf(store, id))
      await ends()
      for (const { phase, steps } of await Promise.all(reads)) {
        if (phase === 'off') expect(steps.map(({ result }) => result)).toEqual(['ok'])
      }
    }
  })

  it('that somebody drains is not extended by who had not seen it', async () => {
    for (let round = 0; round < 20; round++) {
      const id = await create(store, requestOf('split', `raced:${round}`))
      await Promise.allSettled([
        drainMitigation(store, id, change, Date.now()),
        extendMitigation(store, id, { ...change, expiresInSeconds: 7_200 }, Date.now()),
        drainMitigation(store, id, { ...change, actor: 'cy' }, Date.now()),
      ])
      const { desired, revisions } = await detailOf(store, id)
      expect(desired).toBe('off')
      expect(revisions.filter((revision) => revision.desired === 'off')).toHaveLength(1)
      await off(id)
    }
  })

  it('keeps why it drains when it is off, but where its way back has failed', async () => {
    await acquireLeases(store, 'me', ['shop'], 60_000)
    const offBy = async (key: string, outcome: 'done' | 'failed') => {
      const id = await create(store, requestOf('split', key))
      const go = { mitigationId: id, message: null, event: key, now: Date.now() }
      await savePhase(store, WRITER, { ...go, from: 'prepare', to: 'draining', outcome: 'drained' })
      await savePhase(store, WRITER, { ...go, from: 'draining', to: 'off', outcome, event: `${key} is off` })
      return (await detailOf(store, id)).outcome
    }
    expect(await offBy('undone', 'done')).toBe('drained')
    expect(await offBy('left', 'failed')).toBe('failed')
  })

  it('that was extended at its last moment does not expire by who had not seen it', async () => {
    const id = await create(store, requestOf('split', 'at its end'))
    await acquireLeases(store, 'me', ['shop'], 60_000)
    const now = Date.parse((await detailOf(store, id)).expiresAt)
    await extendMitigation(store, id, { ...change, expiresInSeconds: 60 }, now)
    const expire = { from: 'prepare', to: 'draining', outcome: 'expired', message: null, event: 'x' } as const
    expect(await savePhase(store, WRITER, { mitigationId: id, ...expire, now })).toBe(false)
    expect((await detailOf(store, id)).phase).toBe('prepare')
    expect(await savePhase(store, WRITER, { mitigationId: id, ...expire, now: now + 60_000 })).toBe(true)
    await off(id)
  })

  it('is listed by page, the newest first', async () => {
    const ids: number[] = []
    for (let index = 0; index < 5; index++) ids.push(await create(store, requestOf('split', `page:${index}`)))
    const first = await listMitigations(store, { cacheId: 'shop', running: true, limit: 3 })
    const second = await listMitigations(store, {
      cacheId: 'shop',
      running: true,
      limit: 3,
      cursor: first.nextCursor ?? '',
    })
    const listed = [...first.items, ...second.items].map(({ mitigationId }) => mitigationId)
    expect(listed.filter((id) => ids.includes(id))).toEqual(ids.toReversed())
    const { target } = requestOf('split', 'page:2')
    const one = await listMitigations(store, { cacheId: 'shop', target, limit: 10 })
    expect(one.items.map(({ mitigationId }) => mitigationId)).toEqual([ids[2]])
    for (const id of ids) await off(id)
  })

  it('is not written by a collector that has not the lease', async () => {
    const id = await create(store, requestOf('split', 'fenced'))
    await acquireLeases(store, 'me', ['shop'], 60_000)
    const other = { collectorId: 'other', cacheId: 'shop' }
    const now = Date.now()
    const step = { mitigationId: id, phase: 'prepare' as const, name: 'x', node: null, command: null, now }
    const phase = {
      from: 'prepare' as const,
      to: 'off' as const,
      outcome: null,
      message: null,
      event: 'x',
      now,
    }
    expect(await saveStepStarted(store, other, step)).toBeNull()
    expect(await patchMitigation(store, other, id, { message: 'x' })).toBe(false)
    expect(await savePhase(store, other, { mitigationId: id, ...phase })).toBe(false)
    expect(await detailOf(store, id)).toMatchObject({ phase: 'prepare', message: null, steps: [] })
    // Nor from a phase that it has left.
    expect(await savePhase(store, WRITER, { mitigationId: id, ...phase, from: 'active' })).toBe(false)
    await off(id)
  })

  it('has one row for a step that fails again and again, which says how often', async () => {
    const id = await create(store, requestOf('split', 'failing'))
    await acquireLeases(store, 'me', ['shop'], 60_000)
    const now = Date.now()
    const step = {
      mitigationId: id,
      phase: 'prepare' as const,
      name: 'plan',
      node: 'a:1',
      command: null,
      now,
    }
    const end = (result: 'ok' | 'failed', message: string | null) => ({ result, message, now })
    for (let attempt = 1; attempt <= 12; attempt++) {
      const stepId = await saveStepStarted(store, WRITER, step)
      await saveStepEnded(store, WRITER, stepId ?? 0, end('failed', 'It does not answer.'))
    }
    const shown = async () =>
      (await detailOf(store, id)).steps.map(({ result, message }) => [result, message])
    expect(await shown()).toEqual([['failed', 'Attempt 12. It does not answer.']])
    const stepId = await saveStepStarted(store, WRITER, step)
    expect(await shown()).toEqual([['started', 'Attempt 13.']])
    await saveStepEnded(store, WRITER, stepId ?? 0, end('ok', null))
    expect(await shown()).toEqual([['ok', 'Attempt 13.']])
    // One whose result is not known is no failure: it stays as it is, and another is begun.
    await saveStepStarted(store, WRITER, { ...step, name: 'x' })
    const again = await saveStepStarted(store, WRITER, { ...step, name: 'x' })
    await saveStepEnded(store, WRITER, again ?? 0, end('ok', null))
    expect((await shown()).slice(1)).toEqual([
      ['failed', expect.stringMatching(/never learnt/)],
      ['ok', null],
    ])
    await off(id)
  })

  it('goes with its retention once it is off, not before', async () => {
    const now = Date.now()
    const old = await create(store, requestOf('split', 'old'))
    await off(old, now - 40 * DAY_MS)
    const running = await create(store, requestOf('split', 'running'))
    const keep = { rawMs: DAY_MS, minutesMs: DAY_MS, hoursMs: 30 * DAY_MS, keysMs: DAY_MS }
    await dropExpired(store, now, keep)
    expect(await getMitigation(store, old)).toBeNull()
    expect(await getMitigation(store, running)).not.toBeNull()
    await off(running, now - 40 * DAY_MS)
    // The last one of its cache: without it revisions would begin again below what applications have seen.
    const { revs } = await listRunning(store, ['shop'])
    await dropExpired(store, now, keep)
    expect((await listRunning(store, ['shop'])).revs).toEqual(revs)
  })
})
