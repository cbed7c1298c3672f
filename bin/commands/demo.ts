/** `cachescope demo` and `cachescope dev`: a Redis Cluster under the traffic of a small shop, watched. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { serveFaults } from '../../demo/control.ts'
import { Faults } from '../../demo/faults.ts'
import { type Fleet, startFleet } from '../../demo/fleet.ts'
import { prepareOrigin } from '../../demo/shop/origin.ts'
import { DEFAULT_VIRAL, VIRAL_ARTICLE, type ViralSchedule } from '../../demo/shop/viral.ts'
import { startTraffic } from '../../demo/traffic.ts'
import { buildApp } from '../build-app.ts'
import { startCollector } from '../collector-process.ts'
import { dashboardUrl, requireFreePort, startDashboard, untilDashboardAnswers } from '../dashboard.ts'
import { forgetDatabase, openDatabase } from '../database.ts'
import { untilFirstSample } from '../first-sample.ts'
import { CONTROL_SOCKET, DEMO_NAME } from '../paths.ts'
import { findFreePort } from '../ports.ts'
import { runSession, type Session, type StopSignal } from '../session.ts'
import { formatSeconds, withProgress } from '../setup/progress.mjs'
import { processStartedAt } from '../started-at.ts'
import type { Child } from '../supervisor.ts'

const HOST = '127.0.0.1'
const DEFAULT_PORT = 3000

export type DemoOptions = {
  port?: number
  traffic: boolean
  fresh: boolean
  /** Seconds until the viral article goes viral. */
  viralAfter: number
  /** And how long it stays viral, each time. */
  viralFor: number
  mode: 'production' | 'development'
}

export async function demo(options: DemoOptions): Promise<StopSignal> {
  const startedAt = processStartedAt()
  return runSession(DEMO_NAME, async (session) => {
    if (options.fresh) await forget(session)
    if (options.port !== undefined) await requireFreePort(options.port, HOST)
    const port = options.port ?? (await findFreePort(DEFAULT_PORT))
    const [{ databaseUrl, dashboard }, fleet] = await Promise.all([
      startPages(session, { port, mode: options.mode }),
      withProgress('Starting a Redis Cluster of 3 primaries and 3 replicas', () =>
        startFleet(session.supervisor, join(session.directory, 'fleet')),
      ),
    ])
    await serveFleetFaults(session, fleet)
    const viral: ViralSchedule = {
      ...DEFAULT_VIRAL,
      afterMs: options.viralAfter * 1000,
      onMs: options.viralFor * 1000,
    }
    if (options.traffic) startTraffic(session.supervisor, fleet, databaseUrl, viral)
    const since = Date.now()
    const collector = await startDemoCollector(session, { fleet, databaseUrl, mode: options.mode })
    await withProgress('Waiting for the first sample', () =>
      Promise.all([
        untilFirstSample(databaseUrl, since, collector),
        untilDashboardAnswers(dashboardUrl(HOST, port), dashboard),
      ]),
    )
    session.print(welcome({ port, startedAt, options }))
  })
}

/** The database with the shop's tables, and the dashboard over it. */
async function startPages(
  session: Session,
  options: { port: number; mode: DemoOptions['mode'] },
): Promise<{ databaseUrl: string; dashboard: Child }> {
  const [databaseUrl] = await Promise.all([
    openDatabase(session, undefined),
    options.mode === 'production' ? buildApp() : undefined,
  ])
  const dashboard = startDashboard(session.supervisor, { host: HOST, databaseUrl, ...options })
  await withProgress("Filling the shop's tables", () => prepareOrigin(databaseUrl))
  return { databaseUrl, dashboard }
}

/** Everything of earlier runs but the file of this one's processes. */
async function forget(session: Session): Promise<void> {
  await forgetDatabase(session)
  for (const name of ['fleet', 'logs', 'cachescope.yaml']) {
    rmSync(join(session.directory, name), { recursive: true, force: true })
  }
}

async function serveFleetFaults(session: Session, fleet: Fleet): Promise<void> {
  const faults = new Faults(fleet)
  const close = await serveFaults(CONTROL_SOCKET, (request) => faults.apply(request))
  session.supervisor.onStop('traffic', async () => {
    faults.close()
    await close()
  })
}

function startDemoCollector(
  session: Session,
  options: { fleet: Fleet; databaseUrl: string; mode: DemoOptions['mode'] },
): Promise<Child> {
  const configPath = join(session.directory, 'cachescope.yaml')
  mkdirSync(session.directory, { recursive: true })
  writeFileSync(configPath, configText(options.fleet))
  return startCollector(session, {
    databaseUrl: options.databaseUrl,
    configPath,
    watch: options.mode === 'development',
  })
}

/** Every node as a seed, so that one dead node never hides the cluster. */
const configText = (fleet: Fleet): string => `# Written by \`cachescope demo\` at each start.
caches:
  - name: shop
    kind: cluster
    nodes: [${fleet.nodes.map((node) => `redis://${node.address}`).join(', ')}]
    interval: 2s
    hotKeys: { enabled: true, budget: 1% }
    mitigations: { enabled: true, proofWindow: 20s }
`

function welcome(run: { port: number; startedAt: number; options: DemoOptions }): string {
  const { traffic, viralAfter } = run.options
  const load = traffic
    ? `article:${VIRAL_ARTICLE} goes viral ${viralAfter} s after the start: see Hot keys, and what its page offers.`
    : 'No traffic, as asked for.'
  return `
Cachescope is at ${dashboardUrl(HOST, run.port)} (up in ${formatSeconds(Date.now() - run.startedAt)}).
${load}
Break something: ./bin/cachescope demo:fault kill-node     Stop: Ctrl-C`
}
