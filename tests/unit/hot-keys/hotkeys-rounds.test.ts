/** A session of Redis' HOTKEYS is not begun on a node of which it is not known what it would cost. */
import { expect, test, vi } from 'vitest'
import { RedisHotkeysSource } from '../../../collector/hot-keys/engine-hotkeys-redis.ts'
import type { HotKeySourceOptions, NodeFacts } from '../../../collector/hot-keys/source-types.ts'

test.each([
  ['not asked while its rate is unknown', null, []],
  ['asked once it is known, though it be none', 0, ['HOTKEYS GET', 'HOTKEYS START']],
])('a node is %s', async (_, opsPerSec, expected) => {
  const sent: string[] = []
  const send = async (...words: unknown[]) => {
    sent.push(words.slice(0, 2).join(' '))
    return null
  }
  const nodeFacts = vi.fn(() => ({ opsPerSec, loading: false, runId: 'a' }) as NodeFacts)
  const source = new RedisHotkeysSource({
    ...{ connection: { host: 'a', port: 1 }, commands: { call: send, callBuffer: send } },
    ...{ nodeFacts, budget: 0.01, onNews() {}, logger: { debug() {} } },
  } as unknown as HotKeySourceOptions)
  source.start()
  await vi.waitFor(() => expect(sent.slice(0, expected.length)).toEqual(expected))
  await source.stop()
  expect(nodeFacts).toHaveBeenCalled()
  expect(sent.includes('HOTKEYS START')).toBe(expected.length > 0)
})
