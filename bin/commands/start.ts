/** `cachescope start`: the collector and the dashboard for the caches of a cachescope.yaml. */
import { buildApp } from '../build-app.ts'
import { startCollector } from '../collector-process.ts'
import { readConfigFile } from '../config-file.ts'
import {
  dashboardUrl,
  requireFreePort,
  requireLoopback,
  startDashboard,
  untilDashboardAnswers,
} from '../dashboard.ts'
import { openDatabase } from '../database.ts'
import { runSession, type StopSignal } from '../session.ts'
import { formatSeconds } from '../setup/progress.mjs'
import { processStartedAt } from '../started-at.ts'

export type StartOptions = { config: string; host?: string; port?: number }

export async function start(options: StartOptions): Promise<StopSignal> {
  const startedAt = processStartedAt()
  if (options.host !== undefined) requireLoopback(options.host)
  const { path, config } = readConfigFile(options.config, process.env)
  const host = options.host ?? config.dashboard.host
  const port = options.port ?? config.dashboard.port
  requireLoopback(host)

  return runSession('start', async (session) => {
    // Not before: a run that was killed may have left its dashboard on this very port.
    await requireFreePort(port, host)
    const [databaseUrl] = await Promise.all([openDatabase(session, process.env.DATABASE_URL), buildApp()])
    await startCollector(session, { databaseUrl, configPath: path })
    const dashboard = startDashboard(session.supervisor, { host, port, databaseUrl, mode: 'production' })
    const url = dashboardUrl(host, port)
    await untilDashboardAnswers(url, dashboard)
    session.print(
      `\nCachescope watches ${config.caches.map((cache) => cache.cacheId).join(', ') || 'no cache yet'} at ${url}` +
        ` (up in ${formatSeconds(Date.now() - startedAt)}). Stop with Ctrl-C.`,
    )
  })
}
