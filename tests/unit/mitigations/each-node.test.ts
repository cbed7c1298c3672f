/** The way back of what was changed on several nodes: all that answer have it, whoever does not. */
import { expect, test } from 'vitest'
import { NodeFailure } from '../../../collector/connection/failure.ts'
import type { ActionContext } from '../../../collector/mitigations/action.ts'
import { denyUser } from '../../../collector/mitigations/actions/deny-user.ts'
import { setConfig } from '../../../collector/mitigations/actions/set-config.ts'
import type { MitigationAction } from '../../../core/mitigations/model.ts'
import { drainingContext } from '../../support/draining-context.ts'

const NODES = ['a:1', 'b:1', 'c:1']

/** Nodes that answer as they are told, `b:1` never; and what was sent to which. */
function world(action: MitigationAction, state: unknown, answer: (command: string) => unknown) {
  const sent: string[] = []
  const contextAt = (sinceMs: number, members = NODES): ActionContext =>
    drainingContext(sinceMs, {
      ...{ action, state, members },
      parameters: { username: 'greedy', name: 'maxmemory', bytes: 2 },
      call: async (address, command, ...args) => {
        if (address === 'b:1') throw new NodeFailure({ state: 'unreachable', message: 'b:1 is away.' })
        if (args[0] !== 'GETUSER' && args[0] !== 'GET') sent.push(`${address} ${command} ${args.join(' ')}`)
        return answer(command)
      },
    })
  return { sent, contextAt }
}

const OFF = ['flags', ['off']]
const denied = { nodes: NODES, runIds: {}, checkedAt: 0, rounds: 0 }
const set = {
  ...{ name: 'maxmemory', value: '2', runIds: {}, checkedAt: 0, rounds: 0, byHand: [] },
  previous: Object.fromEntries(NODES.map((address) => [address, '3'])),
}

test.each([
  {
    name: 'deny-user' as const,
    action: denyUser(),
    state: denied,
    reply: OFF,
    word: 'ACL SETUSER greedy on',
  },
  {
    ...{ name: 'set-config' as const, action: setConfig(), state: set, reply: ['maxmemory', '2'] },
    word: 'CONFIG SET maxmemory 3',
  },
])('$name is undone on every node that answers, and names the others', async (one) => {
  const { sent, contextAt } = world(one.name, one.state, () => one.reply)
  const waiting = await one.action.drain(contextAt(1_000))
  expect(sent).toEqual([`a:1 ${one.word}`, `c:1 ${one.word}`])
  expect(waiting).toMatchObject({
    kind: 'wait',
    message: expect.stringMatching(/still on b:1: b:1 is away\.$/),
  })
  expect(await one.action.drain(contextAt(601_000))).toMatchObject({
    kind: 'failed',
    message: expect.stringMatching(/^Given up: .* still on b:1, put it back by hand/),
  })
  expect(await one.action.drain(contextAt(1_000, ['a:1', 'c:1']))).toMatchObject({ kind: 'done' })
})

test.each([
  {
    name: 'deny-user' as const,
    action: denyUser(),
    state: denied,
    reply: OFF,
    word: 'ACL SETUSER greedy off',
  },
  {
    ...{ name: 'set-config' as const, action: setConfig(), state: set, reply: ['maxmemory', '2'] },
    word: 'CONFIG SET maxmemory 2',
  },
])('$name reaches every node that answers before it waits for another', async (one) => {
  const { sent, contextAt } = world(one.name, one.state, () => one.reply)
  expect(await one.action.activate(contextAt(0))).toMatchObject({ kind: 'wait', message: 'b:1 is away.' })
  expect(sent).toContain(`a:1 ${one.word}`)
  expect(sent).toContain(`c:1 ${one.word}`)
})
