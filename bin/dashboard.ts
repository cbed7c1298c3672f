/** The dashboard's process, and when it answers. */
import { setTimeout as sleep } from 'node:timers/promises'
import { errorsOnlyFilter } from './child-log.ts'
import { CommandError, EXIT } from './exit-codes.ts'
import { inRoot, NODE, ROOT } from './paths.ts'
import { findFreePort, isPortFree } from './ports.ts'
import type { Child, Supervisor } from './supervisor.ts'

const ANSWER_TIMEOUT_MS = 60_000

export type DashboardOptions = {
  host: string
  port: number
  databaseUrl: string
  mode: 'production' | 'development'
}

/** A key of 10 KB stands in a page's address, escaped, and in a header of Next's own. */
const MAX_HEADER_BYTES = 65_536

export function dashboardCommand({ host, port, databaseUrl, mode }: DashboardOptions) {
  const nodeOptions = [process.env.NODE_OPTIONS, `--max-http-header-size=${MAX_HEADER_BYTES}`]
  return {
    program: NODE,
    args: [
      inRoot('node_modules/next/dist/bin/next'),
      mode === 'production' ? 'start' : 'dev',
      '--hostname',
      host,
      '--port',
      String(port),
    ],
    cwd: ROOT,
    env: {
      ...process.env,
      NODE_ENV: mode,
      NEXT_TELEMETRY_DISABLED: '1',
      NODE_OPTIONS: nodeOptions.filter(Boolean).join(' '),
      DATABASE_URL: databaseUrl,
    },
  }
}

export function startDashboard(supervisor: Supervisor, options: DashboardOptions): Child {
  return supervisor.start({
    name: 'dashboard',
    stage: 'app',
    ...dashboardCommand(options),
    restart: true,
    show: errorsOnlyFilter,
    graceMs: 5_000,
  })
}

export const dashboardUrl = (host: string, port: number): string =>
  `http://${host.includes(':') ? `[${host}]` : host}:${port}`

/**
 * Any answer counts: what is wrong with a page is the page's to say.
 * @throws CommandError when it does not answer in time
 */
export async function untilDashboardAnswers(url: string, child: Child): Promise<void> {
  const deadline = Date.now() + ANSWER_TIMEOUT_MS
  while (Date.now() < deadline) {
    const answered = await fetch(url, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) }).then(
      () => true,
      () => false,
    )
    if (answered) return
    await sleep(100)
  }
  throw new CommandError(
    EXIT.internal,
    `The dashboard did not answer at ${url} within ${ANSWER_TIMEOUT_MS / 1000} s. It said:\n${child.lastLines().join('\n')}`,
  )
}

const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost'])

/** @throws CommandError for any address that others can reach */
export function requireLoopback(host: string): void {
  if (LOOPBACK.has(host)) return
  throw new CommandError(
    EXIT.badInput,
    `The dashboard has no sign-in yet, so it listens on this machine only and refuses --host ${host}. ` +
      'Leave --host out, and reach it from elsewhere through an SSH tunnel: ssh -L 3000:127.0.0.1:3000 this-machine',
  )
}

/** @throws CommandError that names the next free port */
export async function requireFreePort(port: number, host: string): Promise<void> {
  if (await isPortFree(port, host)) return
  const next = await findFreePort(port + 1, (candidate) => isPortFree(candidate, host))
  throw new CommandError(
    EXIT.missing,
    `Port ${port} on ${host} is taken by another process. The next free one is ${next}: add --port ${next}`,
  )
}
