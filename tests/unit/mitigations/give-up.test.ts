/** Ways back that cannot go on: waited for, then given up, so that their target is free again. */
import { expect, test } from 'vitest'
import { NodeFailure } from '../../../collector/connection/failure.ts'
import type { Outcome } from '../../../collector/mitigations/action.ts'
import { failover } from '../../../collector/mitigations/actions/failover.ts'
import { moveSlot } from '../../../collector/mitigations/actions/move-slot.ts'
import { pauseWrites } from '../../../collector/mitigations/actions/pause-writes.ts'
import { serverAction } from '../../../collector/mitigations/actions/server-action.ts'
import { drainingContext } from '../../support/draining-context.ts'

const away = (address: string) => new NodeFailure({ state: 'unreachable', message: `${address} is away.` })
const nobody = async (address: string) => {
  throw away(address)
}
const MINUTE_MS = 60_000

const handover = {
  ...{ method: 'handover', from: 'a:1', to: 'b:1', instead: null, others: [], places: {} },
  toPlace: { host: 'b', port: 1 },
  ...{ sentinel: null, sentAt: 1, pausedAt: null, attempts: 1, promotedAt: null },
}
const classic = {
  ...{ method: 'classic', total: 1, attempts: 1, isReturning: false },
  source: { id: 'a', address: 'a:1' },
  destination: { id: 'b', address: 'b:1' },
}

const FAILOVER = { action: 'failover', of: failover } as const
const MOVE = { action: 'move-slot', of: moveSlot } as const

test.each([
  { name: 'failover by hand', ...FAILOVER, state: handover },
  { name: 'failover by Sentinels', ...FAILOVER, state: { ...handover, method: 'sentinel' } },
  { name: 'failover of a cluster', ...FAILOVER, state: { ...handover, method: 'cluster' } },
  { name: 'move', ...MOVE, state: classic },
  { name: 'move by the engine', ...MOVE, state: { ...classic, method: 'redis' } },
])('a $name is given up when its nodes are gone for good', async ({ action, of, state }) => {
  const { drain } = of()
  const at = (sinceMs: number) =>
    drain(
      drainingContext(sinceMs, { action, state, parameters: { slot: 5 }, members: ['a:1'], call: nobody }),
    )
  expect(await at(MINUTE_MS)).toMatchObject({ kind: 'wait' })
  expect(await at(10 * MINUTE_MS)).toMatchObject({ kind: 'wait' })
  expect(await at(11 * MINUTE_MS)).toMatchObject({
    kind: 'failed',
    message: expect.stringMatching(/^Given up: .* See /),
  })
})

test('one that goes on again has its ten minutes anew, and its work takes its time', async () => {
  let next: () => Promise<Outcome> = async () => ({ kind: 'wait', message: '9 keys are left.' })
  const drains = () => next()
  const { drain } = serverAction({ prepare: drains, activate: drains, watch: drains, drain: drains })
  const at = (minutes: number) =>
    drain(
      drainingContext(minutes * MINUTE_MS, {
        action: 'move-slot',
        state: null,
        members: [],
        call: nobody,
      }),
    )
  expect(await at(60)).toMatchObject({ kind: 'wait' })
  const works = next
  next = () => nobody('a:1')
  expect(await at(61)).toMatchObject({ kind: 'wait', message: 'a:1 is away.' })
  next = works
  expect(await at(70)).toMatchObject({ kind: 'wait' })
  next = () => nobody('a:1')
  expect(await at(71)).toMatchObject({ kind: 'wait' })
  expect(await at(80)).toMatchObject({ kind: 'wait' })
  expect(await at(81)).toMatchObject({ kind: 'failed' })
})

test('a pause of writes that it may not end is off once its slice is over, and not before', async () => {
  const { drain } = pauseWrites()
  const at = (sinceMs: number) => {
    const options = {
      ...{ action: 'pause-writes' as const, state: null, members: ['a:1'] },
      async call(_: string, command: string) {
        if (command === 'INFO') return 'role:master\r\n'
        throw new NodeFailure({ state: 'denied', message: 'NOPERM' }, 'NOPERM')
      },
    }
    const state = {
      ...{ address: 'a:1', startedAt: 0, slices: 1, slicedAt: drainingContext(0, options).now() },
      ...{ holdsUntil: 0, counts: [], isHeld: true, before: null, held: null },
      count: { at: 0, runId: null, changes: 0, savedAt: null },
    }
    return drain(drainingContext(sinceMs, { ...options, state }))
  }
  expect(await at(4_000)).toMatchObject({ kind: 'wait', message: expect.stringMatching(/CLIENT UNPAUSE/) })
  expect(await at(5_000)).toMatchObject({ kind: 'done' })
})
