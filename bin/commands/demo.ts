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
import { openDatabase } from '../database.ts'
import { untilFirstSample } from '../first-sample.ts'
import { CONTROL_SOCKET, DEMO_NAME } from '../paths.ts'
import { findFreePort } from '../ports.ts'
import { runSession, type Session, type StopSignal } from '../session.ts'
import { formatSeconds, withProgress } from '../setup/progress.mjs'

const HOST = '127.0.0.1'
const DEFAULT_PORT = 3000

export type DemoOptions = {
  port?: number
  traffic: boolean
  fresh: boolean
  /** Seconds until the viral article goes viral. */
  viralAfter: number
  mode: 'production' | 'development'
}

export async function demo(options: DemoOptions): Promise<StopSignal> {
  // The set-up before us counts too: its shell says when it began.
  const startedAt = Number(process.env.CACHESCOPE_STARTED_AT) || Date.now()
  if (options.port !== undefined) await requireFreePort(options.port, HOST)
  return runSession(DEMO_NAME, async (session) => {
    if (options.fresh) forget(session)
    const port = options.port ?? (await findFreePort(DEFAULT_PORT))
    const [databaseUrl, fleet] = await Promise.all([
      openDatabase(session, undefined).then(async (url) => {
        await withProgress("Filling the shop's tables", () => prepareOrigin(url))
        return url
      }),
      withProgress('Starting a Redis Cluster of 3 primaries and 3 replicas', () =>
        startFleet(session.supervisor, join(session.directory, 'fleet')),
      ),
      options.mode === 'production' ? buildApp() : undefined,
    ])
    await serveFleetFaults(session, fleet)
    const viral: ViralSchedule = { ...DEFAULT_VIRAL, afterMs: options.viralAfter * 1000 }
    if (options.traffic) startTraffic(session.supervisor, fleet, databaseUrl, viral)
    await watch(session, { fleet, databaseUrl, port, mode: options.mode })
    session.print(welcome({ port, startedAt, options }))
  })
}

/** Everything of earlier runs but the file of this one's processes. */
function forget(session: Session): void {
  for (const name of ['postgres', 'fleet', 'logs', 'cachescope.yaml']) {
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

async function watch(
  session: Session,
  options: { fleet: Fleet; databaseUrl: string; port: number; mode: DemoOptions['mode'] },
): Promise<void> {
  const { fleet, databaseUrl, port, mode } = options
  const configPath = join(session.directory, 'cachescope.yaml')
  mkdirSync(session.directory, { recursive: true })
  writeFileSync(configPath, configText(fleet))
  const since = Date.now()
  const collector = await startCollector(session, { databaseUrl, configPath, watch: mode === 'development' })
  const dashboard = startDashboard(session.supervisor, { host: HOST, port, databaseUrl, mode })
  await withProgress('Waiting for the first sample', () =>
    Promise.all([
      untilFirstSample(databaseUrl, since, collector),
      untilDashboardAnswers(dashboardUrl(HOST, port), dashboard),
    ]),
  )
}

/** A seed of every shard, so that one dead node never hides the cluster. */
const configText = (fleet: Fleet): string => `# Written by \`cachescope demo\` at each start.
caches:
  - name: shop
    kind: cluster
    nodes: [${fleet.nodes.map((node) => `redis://${node.address}`).join(', ')}]
    interval: 2s
    hotKeys: { enabled: true, budget: 1% }
`

function welcome(run: { port: number; startedAt: number; options: DemoOptions }): string {
  const { traffic, viralAfter } = run.options
  const load = traffic
    ? `article:${VIRAL_ARTICLE} goes viral ${viralAfter} s after the start: see Hot keys.`
    : 'No traffic, as asked for.'
  return `
Cachescope is at ${dashboardUrl(HOST, run.port)} (up in ${formatSeconds(Date.now() - run.startedAt)}).
${load}
Break something: ./bin/cachescope demo:fault kill-node     Stop: Ctrl-C`
}
