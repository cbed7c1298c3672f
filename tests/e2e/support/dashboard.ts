/** A dashboard of a test's own: the production build on a free port, over a database of its own. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { dashboardCommand } from '../../../bin/dashboard.ts'
import { freePort } from '../../support/free-port.ts'
import { until } from '../../support/redis.ts'

const ROOT = join(import.meta.dirname, '../../..')
const NEXT = join(ROOT, 'node_modules/next/dist/bin/next')
const DIST = process.env.CACHESCOPE_DIST_DIR ?? '.next'

export type Dashboard = { url: string; stop(): Promise<number | null> }

/** Builds the app where no build is; `cachescope test` has made a current one before. */
export function ensureBuilt(): void {
  if (existsSync(join(ROOT, DIST, 'BUILD_ID'))) return
  const { status } = spawnSync(process.execPath, [NEXT, 'build'], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1' },
  })
  if (status !== 0) throw new Error('The dashboard could not be built.')
}

export async function startDashboard(databaseUrl: string): Promise<Dashboard> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const command = dashboardCommand({ host: '127.0.0.1', port, databaseUrl, mode: 'production' })
  const { program, args, cwd, env } = command
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  endWithUs(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-4_000)
    })
  }
  await until(`the dashboard on ${port}`, async () => {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${output}`)
    return (await fetch(`${url}/api/v1/openapi.json`)).ok
  })
  return { url, stop: () => end(child) }
}

/** The child does not outlive this process. */
export function endWithUs(child: ChildProcess): void {
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  child.once('exit', () => process.removeListener('exit', kill))
}

/** @returns the exit code; null where it had to be killed */
export async function end(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
  const { promise, resolve } = Promise.withResolvers<number | null>()
  child.once('exit', (code) => resolve(code))
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), 30_000)
  const code = await promise
  clearTimeout(late)
  return code
}
