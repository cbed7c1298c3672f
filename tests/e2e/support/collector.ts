import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { end, endWithUs } from './dashboard.ts'

const MAIN = join(import.meta.dirname, '../../../collector/main.ts')

/** The real collector over one cluster; `more` are further lines of the cache. `output()`: what it logged last. */
export async function startCollector(
  databaseUrl: string,
  cache: { name: string; seeds: string[]; more?: string[] },
): Promise<{ stop(): Promise<number | null>; output(): string }> {
  const directory = await mkdtemp(join(tmpdir(), 'cachescope-e2e-collector-'))
  const config = join(directory, 'cachescope.yaml')
  const lines = [`- name: ${cache.name}`, '  kind: cluster', `  nodes: [${cache.seeds.join(', ')}]`]
  lines.push('  interval: 1s', ...(cache.more ?? []).map((line) => `  ${line}`))
  await writeFile(config, `caches:\n${lines.map((line) => `  ${line}\n`).join('')}`)
  const child = spawn(process.execPath, [MAIN], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      DATABASE_URL: databaseUrl,
      CACHESCOPE_CONFIG: config,
      CACHESCOPE_METRICS_PORT: '0',
    },
  })
  endWithUs(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-8_000)
    })
  }
  return {
    output: () => output,
    async stop() {
      const code = await end(child)
      await rm(directory, { recursive: true, force: true })
      return code
    },
  }
}
