/** The library's own loops over the ends and starts of its client. */
import { afterEach, expect, test, vi } from 'vitest'
import { Agent } from '../../../client/agent.ts'
import type { Policy } from '../../../client/control/control.ts'
import { HotKeys } from '../../../client/hot-keys.ts'
import { Layer } from '../../../client/layer.ts'
import { HEARTBEAT_MS, POLL_MS } from '../../../core/protocol/policy.ts'
import { libraryParts } from '../../support/library-parts.ts'

afterEach(() => {
  vi.useRealTimers()
})

test('what is on its way over an end and a start goes on in one loop, not in two', async () => {
  vi.useFakeTimers()
  const parts = libraryParts({ policies: [], settings: { random: () => 0.5, now: () => 0 } })
  const { client, plain, reader, writes, settings } = parts
  const hotKeys = new HotKeys(settings.random, settings.now)
  const db = () => 0
  const onError = () => {}
  const layer = new Layer({ client, plain, reader, writes, hotKeys, db, onError }, {})
  const polls: ((policy: Policy) => void)[] = []
  const beats: (() => void)[] = []
  const control = {
    readPolicy: () => new Promise<Policy>((resolve) => polls.push(resolve)),
    sendHeartbeat: () => new Promise<void>((resolve) => beats.push(resolve)),
    connections: [],
    close: () => {},
  }
  const agent = new Agent({ ...parts, hotKeys, layer, control, db })
  expect([polls.length, beats.length]).toEqual([1, 1])
  client.emit('end')
  client.emit('ready')
  expect([polls.length, beats.length]).toEqual([2, 2])
  for (const resolve of polls.splice(0)) resolve({ kind: 'none' })
  for (const resolve of beats.splice(0)) resolve()
  await vi.advanceTimersByTimeAsync(POLL_MS)
  expect(polls).toHaveLength(1)
  await vi.advanceTimersByTimeAsync(HEARTBEAT_MS - POLL_MS)
  expect(beats).toHaveLength(1)
  expect(agent.errors).toBe(0)
  agent.release()
})
