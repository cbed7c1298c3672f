/** What a source that is stopped and started at any moment takes of the memory that all share. */
import { afterEach, expect, test, vi } from 'vitest'
import { NodeConnection } from '../../../collector/connection/node-connection.ts'
import { createMonitorSource } from '../../../collector/monitor/monitor-source.ts'
import { Arena } from '../../../collector/monitor/wasm/arena.ts'
import type { CommandTable } from '../../../core/hot-keys/command-keys.ts'
import { engineTable } from '../../support/engine-commands.ts'
import { UNKNOWN_FACTS } from '../../support/monitor-detector.ts'

afterEach(() => void vi.restoreAllMocks())

/** No server listens there: what is tested comes before the first burst. */
const NOBODY = { host: '127.0.0.1', port: 1 }
const quiet = () => {}

test('stopped and started again while COMMAND is read, it takes one node of the arena and gives it back', async () => {
  const takeNode = vi.spyOn(Arena.prototype, 'takeNode')
  const giveBack = vi.spyOn(Arena.prototype, 'giveBack')
  const pending: ((table: CommandTable) => void)[] = []
  const credentials = { username: null, password: null, tls: null }
  const source = createMonitorSource({
    connection: { ...NOBODY, ...credentials },
    commands: new NodeConnection({ ...NOBODY, address: '127.0.0.1:1' }, credentials),
    loadCommandTable: () => new Promise((resolve) => void pending.push(resolve)),
    nodeFacts: () => ({ ...UNKNOWN_FACTS, opsPerSec: 100 }),
    budget: 0.01,
    maxLatencyMs: 20,
    onNews: quiet,
    logger: { debug: quiet, info: quiet, warn: quiet },
    random: () => 0,
  })
  for (let round = 0; round < 5; round++) {
    source.start()
    await vi.waitFor(() => expect(pending).toHaveLength(round + 1))
    if (round < 4) await source.stop()
  }
  for (const resolve of pending) resolve(engineTable)
  await vi.waitFor(() => expect(takeNode.mock.calls.length).toBeGreaterThan(0))
  await source.stop()
  expect(takeNode.mock.calls.filter((_, at) => takeNode.mock.results[at]?.value !== null)).toHaveLength(1)
  expect(giveBack).toHaveBeenCalledTimes(1)
})
