/** The shop as the demo runs it: how many processes, and how much they do. */

import { inRoot, NODE } from '../bin/paths.ts'
import type { Supervisor } from '../bin/supervisor.ts'
import type { Fleet } from './fleet.ts'
import { toEnvironment } from './shop/settings.ts'
import type { ViralSchedule } from './shop/viral.ts'
import { COMMANDS_PER_VISIT } from './shop/visit.ts'

const PROCESSES = 3
const COMMANDS_PER_SEC = 1_500
const SHARDS = 3
/** The viral article gets this many times everything else on its shard. */
const VIRAL_FACTOR = 10

export function startTraffic(
  supervisor: Supervisor,
  fleet: Fleet,
  databaseUrl: string,
  viral: ViralSchedule,
): void {
  const startedAt = Date.now()
  for (let index = 1; index <= PROCESSES; index++) {
    supervisor.start({
      name: `shop-${index}`,
      stage: 'traffic',
      program: NODE,
      // Young objects die young here: a small nursery keeps three processes small.
      args: ['--max-semi-space-size=2', '--max-old-space-size=128', inRoot('demo/shop/main.ts')],
      env: {
        ...process.env,
        ...toEnvironment({
          databaseUrl,
          nodes: fleet.nodes.map((node) => node.address),
          visitsPerSec: COMMANDS_PER_SEC / COMMANDS_PER_VISIT / PROCESSES,
          viralReadsPerSec: ((COMMANDS_PER_SEC / SHARDS) * VIRAL_FACTOR) / PROCESSES,
          startedAt,
          viral,
        }),
      },
      restart: true,
      ipc: true,
      graceMs: 3_000,
    })
  }
}
