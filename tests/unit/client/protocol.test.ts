/** The library against the test vectors of hk/1, which libraries in other languages run as well. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { slotOf } from '../../../client/ioredis/slot.ts'
import { settle } from '../../../client/options.ts'
import { Policies } from '../../../client/policies.ts'
import { isEmptyReply } from '../../../client/read-call.ts'
import { parseHeartbeat } from '../../../core/protocol/parse-heartbeat.ts'
import { parsePolicyDocument } from '../../../core/protocol/parse-policy.ts'
import {
  instanceKey,
  instancesKey,
  type KeyPolicy,
  POLICY_LIMITS,
  type PolicyPhase,
} from '../../../core/protocol/policy.ts'
import { keyPolicy, variantsPolicy } from '../../support/hot-client.ts'
import { libraryParts } from '../../support/library-parts.ts'

const read = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../fixtures/protocol/${name}.json`, import.meta.url), 'utf8'))

const documents: {
  cases: {
    name: string
    text: string
    rev?: number
    leaseMs?: number
    kill?: boolean
    ids: string[] | null
  }[]
} = read('documents')
describe('a document', () => {
  test.each(documents.cases)('$name', ({ text, rev, leaseMs, kill, ids }) => {
    const document = parsePolicyDocument(text)
    expect(document?.policies.map(({ id }) => id) ?? null).toEqual(ids)
    if (document !== null) expect(document).toMatchObject({ rev, leaseMs, kill })
  })
})

const policies: { issuedAt: number; base: KeyPolicy; cases: { change: object; taken: boolean }[] } =
  read('policies')
const documentOf = (all: object[]) =>
  JSON.stringify({
    v: 1,
    app: 'shop',
    rev: 1,
    issuedAt: policies.issuedAt,
    leaseMs: 1,
    kill: false,
    policies: all,
  })
describe('a policy', () => {
  test.each(policies.cases)('$change', ({ change, taken }) => {
    const changed = structuredClone(policies.base)
    for (const [path, value] of Object.entries(change)) {
      const [part = '', field] = path.split('.')
      if (field === undefined) Reflect.set(changed, part, value)
      else Reflect.set(Reflect.get(changed, part), field, value)
    }
    const kept = parsePolicyDocument(documentOf([changed]))?.policies
    expect(kept).toEqual(taken ? [changed] : [])
  })

  test('of the same key or id as an earlier one is left out, and a longer list is cut', () => {
    const many = Array.from({ length: 70 }, (_, index) => ({
      ...policies.base,
      id: `p${index}`,
      keyBase64: btoa(`k${index}`),
      variants: null,
    }))
    const parsed = parsePolicyDocument(documentOf([policies.base, policies.base, ...many]))
    expect(parsed?.policies).toHaveLength(POLICY_LIMITS.policies)
    expect(parsed?.policies.slice(0, 2).map(({ id }) => id)).toEqual(['a', 'p0'])
  })

  test('with a longer key or more variants than allowed is left out', () => {
    const long = btoa('k'.repeat(POLICY_LIMITS.keyBytes + 1))
    const names = Array.from({ length: 65 }, (_, index) => btoa(`{hk0.${index}}:k1`))
    const variants = { keysBase64: names, writeFanout: false }
    expect(parsePolicyDocument(documentOf([{ ...policies.base, keyBase64: long }]))?.policies).toEqual([])
    expect(parsePolicyDocument(documentOf([{ ...policies.base, variants }]))?.policies).toEqual([])
  })
})

type Step = { at: number; document?: object; confirm?: boolean; rev: number; isOn: boolean }
const leases: { cases: { name: string; steps: Step[] }[] } = read('leases')
describe('a lease', () => {
  test.each(leases.cases)('$name', ({ steps }) => {
    let at = 0
    const inForce = new Policies(settle({ app: 'shop', now: () => at, wallClock: () => 1_000 + at }))
    for (const step of steps) {
      at = step.at
      if (step.document !== undefined) inForce.accept(textOf(step.document))
      else if (step.confirm) inForce.confirm()
      else inForce.lapse()
      expect({ at, rev: inForce.rev, isOn: inForce.live.length > 0 }).toEqual({
        at,
        rev: step.rev,
        isOn: step.isOn,
      })
    }
  })

  test('a clock that steps past an expiry and back makes its policy anew, and that is a change', () => {
    let clock = 1_000
    const inForce = new Policies(settle({ app: 'shop', now: () => 0, wallClock: () => clock }))
    const text = textOf({ rev: 1, issuedAt: 1_000, leaseMs: 30_000 })
    expect(inForce.accept(text)).toBe(true)
    clock = 90_000_000
    expect([inForce.accept(text), inForce.live.length]).toEqual([true, 0])
    clock = 1_000
    expect([inForce.accept(text), inForce.live.length]).toEqual([true, 1])
    expect(inForce.accept(text)).toBe(false)
  })
})
const textOf = (document: object) =>
  JSON.stringify({
    ...{ v: 1, app: 'shop', kill: false },
    policies: [{ ...policies.base, expiresAt: 86_400_000 }],
    ...document,
  })

const variants: {
  base: string
  choices: { variants: string[]; random: number; reads: string }[]
  phases: { phase: PolicyPhase; readsVariants: boolean; unlinksVariants: boolean }[]
  replies: { reply: unknown; readsBase: boolean }[]
  slots: { key: string; slot: number }[]
} = read('variant-reads')
describe('a variant', () => {
  test.each(variants.choices)(
    'for $random of $variants it is $reads',
    async ({ variants: names, random, reads }) => {
      expect(await namesRead(names, random, 'active')).toEqual([reads])
    },
  )
  test.each(variants.phases)(
    'is read in the phase $phase: $readsVariants',
    async ({ phase, readsVariants }) => {
      const [name] = await namesRead(['{hk0.1}:other'], 0, phase)
      expect(name === '{hk0.1}:other').toBe(readsVariants)
    },
  )
  test.each(variants.replies)(
    'that replies $reply: the base key is asked: $readsBase',
    ({ reply, readsBase }) => {
      expect(isEmptyReply(reply)).toBe(readsBase)
    },
  )
  test.each(variants.slots)('$key is in slot $slot', ({ key, slot }) => {
    expect(slotOf(Buffer.from(key))).toBe(slot)
  })
})

/** What a policy with these variants makes of a GET of the base key. */
async function namesRead(names: string[], random: number, phase: PolicyPhase): Promise<unknown[]> {
  const policy = keyPolicy(variants.base, { phase, variants: variantsPolicy(names) })
  const { get, asked } = libraryParts({ policies: [policy], settings: { random: () => random } })
  await get(variants.base)
  return asked
}

const heartbeats: {
  cases: { name: string; key: string; instances: string; heartbeat: { app: string; instanceId: string } }[]
  changes: { change: object; taken: boolean }[]
} = read('heartbeats')
test.each(heartbeats.cases)('a heartbeat has its place: $name', ({ key, instances, heartbeat }) => {
  expect(instanceKey(heartbeat.app, heartbeat.instanceId)).toBe(key)
  expect(instancesKey(heartbeat.app)).toBe(instances)
  expect(parseHeartbeat(heartbeat).ok).toBe(true)
})
test.each(heartbeats.changes)('a heartbeat with $change is taken: $taken', ({ change, taken }) => {
  expect(parseHeartbeat({ ...heartbeats.cases.at(-1)?.heartbeat, ...change }).ok).toBe(taken)
})
