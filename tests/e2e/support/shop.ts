/** The demo's shop as the demo runs it, process by process, over a cluster of the test's own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { prepareOrigin } from '../../../demo/shop/origin.ts'
import { toEnvironment } from '../../../demo/shop/settings.ts'
import { COMMANDS_PER_VISIT } from '../../../demo/shop/visit.ts'
import type { RedisCluster } from '../../support/redis.ts'
import { end, endWithUs } from './dashboard.ts'

const MAIN = join(import.meta.dirname, '../../../demo/shop/main.ts')
const HOUR_MS = 3_600_000

export type Shop = { output(): string; stop(): Promise<void> }

/** Article 42 is viral from the first moment on. Rates are of all processes together. */
export async function startShop(
  databaseUrl: string,
  cluster: RedisCluster,
  load: { processes: number; commandsPerSec: number; viralReadsPerSec: number },
): Promise<Shop> {
  await prepareOrigin(databaseUrl)
  let output = ''
  const children = Array.from({ length: load.processes }, (): ChildProcess => {
    const child = spawn(process.execPath, ['--max-semi-space-size=2', MAIN], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        ...toEnvironment({
          databaseUrl,
          nodes: cluster.nodes.map(({ address }) => address),
          visitsPerSec: load.commandsPerSec / COMMANDS_PER_VISIT / load.processes,
          viralReadsPerSec: load.viralReadsPerSec / load.processes,
          startedAt: Date.now(),
          viral: { afterMs: 0, onMs: HOUR_MS, offMs: 0 },
        }),
      },
    })
    endWithUs(child)
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-4_000)
      })
    }
    return child
  })
  return {
    output: () => output,
    async stop() {
      await Promise.all(children.map(end))
    },
  }
}
