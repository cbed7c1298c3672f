import { expect, test } from 'vitest'
import { fitHeartbeat } from '../../../client/fit-heartbeat.ts'
import type { Heartbeat } from '../../../core/protocol/heartbeat.ts'
import { parseHeartbeatJson } from '../../../core/protocol/parse-heartbeat.ts'
import { HEARTBEAT_MAX_BYTES } from '../../../core/protocol/policy.ts'

const key = (index: number, bytes: number) => ({
  ...{ db: 0, keyBase64: Buffer.alloc(bytes, index).toString('base64') },
  ...{ reads: 100 - index, elsewhere: 0, writes: 0 },
})
const heartbeat = (keys: Heartbeat['hotKeys']['keys'], connections: string[]): Heartbeat => ({
  ...{ v: 1, app: 'shop', instanceId: 'i', host: 'wäb-1', pid: 1, library: 'x', startedAt: 1, at: 1, rev: 0 },
  ...{ state: 'passing', policies: [], errors: 0, connections },
  hotKeys: { windowMs: 5_000, commands: 1, sampled: 1, keys },
})
const connections = (count: number) => Array.from({ length: count }, (_, at) => `10.0.0.1:${10_000 + at}`)

test('what fits is left as it is', () => {
  const small = heartbeat([key(0, 1_024)], connections(3))
  expect(fitHeartbeat(small)).toEqual(small)
})

test('the coldest keys are left out first, no more than must be', () => {
  const keys = Array.from({ length: 32 }, (_, index) => key(index, 2_000))
  const fitted = fitHeartbeat(heartbeat(keys, connections(1_500)))
  const json = JSON.stringify(fitted)
  expect(fitted.connections).toHaveLength(1_000)
  expect(fitted.hotKeys.keys).toEqual(keys.slice(0, fitted.hotKeys.keys.length))
  const next = JSON.stringify(keys[fitted.hotKeys.keys.length])
  expect(Buffer.byteLength(json) + next.length + 1).toBeGreaterThan(HEARTBEAT_MAX_BYTES)
  expect(parseHeartbeatJson(json)).toEqual(fitted)
})

test('then connections', () => {
  const long = Array.from({ length: 1_000 }, () => `[${'f'.repeat(70)}]:1`)
  const fitted = fitHeartbeat(heartbeat([key(0, 10)], long))
  expect(fitted.hotKeys.keys).toEqual([])
  expect(fitted.connections.length).toBeGreaterThan(800)
  expect(parseHeartbeatJson(JSON.stringify(fitted))).toEqual(fitted)
})

test('how long reads took goes before any key does: of the coldest keys first, then of policies', () => {
  const waits = Array.from({ length: 112 }, (_, at): [number, number] => [1_000_000 + at, 4_000_000_000])
  const keys = Array.from({ length: 32 }, (_, index) => ({ ...key(index, 1_024), timed: 9, waits }))
  const policy: Heartbeat['policies'][number] = {
    ...{
      id: 'm1',
      phase: 'active',
      tracker: 'off',
      reads: 1,
      localHits: 0,
      localMisses: 0,
      variantReads: [],
    },
    ...{ replicaReads: 0, fallbacks: 0, invalidations: 0, errors: 0, p50Us: 1, p99Us: 1, waits },
  }
  const told = (policies: Heartbeat['policies']) =>
    fitHeartbeat({ ...heartbeat(keys, connections(3)), policies })
  const fitted = told([policy])
  expect(fitted.hotKeys.keys).toHaveLength(32)
  const withWaits = fitted.hotKeys.keys.map((one) => one.waits !== undefined && one.timed !== undefined)
  expect(withWaits[0]).toBe(true)
  expect(withWaits[31]).toBe(false)
  expect(withWaits).toEqual(withWaits.toSorted((one, other) => Number(other) - Number(one)))
  expect(fitted.policies).toEqual([policy])
  const many = told(Array.from({ length: 64 }, (_, at) => ({ ...policy, id: `m${at}` })))
  expect(many.hotKeys.keys.every((one) => one.waits === undefined)).toBe(true)
  expect(many.policies[0]?.waits).toBeDefined()
  expect(many.policies[63]?.waits).toBeUndefined()
  for (const one of [fitted, many]) expect(parseHeartbeatJson(JSON.stringify(one))).toEqual(one)
})
