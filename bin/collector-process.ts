/** The collector's process. */
import { structuredLogFilter } from './child-log.ts'
import { EXIT } from './exit-codes.ts'
import { inRoot, NODE, ROOT } from './paths.ts'
import { findFreePort, isPortFree } from './ports.ts'
import type { Session } from './session.ts'
import type { Child } from './supervisor.ts'

const METRICS_HOST = '127.0.0.1'
const DEFAULT_METRICS_PORT = 9465

export type CollectorOptions = {
  databaseUrl: string
  configPath: string
  /** Started again whenever one of its files changes. */
  watch?: boolean
}

export async function startCollector(session: Session, options: CollectorOptions): Promise<Child> {
  return session.supervisor.start({
    name: 'collector',
    stage: 'collector',
    program: NODE,
    args: [...(options.watch ? ['--watch', '--watch-preserve-output'] : []), inRoot('collector/main.ts')],
    cwd: ROOT,
    env: {
      ...process.env,
      DATABASE_URL: options.databaseUrl,
      CACHESCOPE_CONFIG: options.configPath,
      CACHESCOPE_METRICS_HOST: process.env.CACHESCOPE_METRICS_HOST ?? METRICS_HOST,
      CACHESCOPE_METRICS_PORT: process.env.CACHESCOPE_METRICS_PORT ?? (await metricsPort(session)),
    },
    restart: true,
    incurableCodes: [EXIT.badInput, EXIT.database],
    ipc: true,
    show: structuredLogFilter,
    graceMs: 20_000,
  })
}

async function metricsPort(session: Session): Promise<string> {
  const port = await findFreePort(DEFAULT_METRICS_PORT, (candidate) => isPortFree(candidate, METRICS_HOST))
  if (port !== DEFAULT_METRICS_PORT) {
    session.print(`Port ${DEFAULT_METRICS_PORT} is taken: the collector's /metrics are on port ${port}.`)
  }
  return String(port)
}
