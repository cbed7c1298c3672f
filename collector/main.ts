/**
 * The collector's process. Exit codes: 0 stopped when asked, 1 a failure nobody foresaw, 2 the configuration is
 * wrong, 3 PostgreSQL refuses us in a way that waiting does not cure.
 */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import type { ConnectionOptions } from 'node:tls'
import { type Config, parseConfig } from '../core/config.ts'
import { ConfigError, formatProblems } from '../core/config-problems.ts'
import { CachescopeError } from '../core/errors.ts'
import manifest from '../package.json' with { type: 'json' }
import { closeStore, openStore } from '../store/client.ts'
import { migrate } from '../store/migrate.ts'
import { certificatesBeside } from './certificate-file.ts'
import { Sleeper, systemClock } from './clock.ts'
import { Collector } from './collector.ts'
import { type CollectorEnv, readConfig } from './env.ts'
import { type HealthReport, type HealthServer, startHealthServer } from './health-server.ts'
import { createHotKeyLadder } from './hot-keys/ladder.ts'
import { createLogger, type Logger } from './logger.ts'
import { missingModule } from './monitor/engine.ts'

const EXIT_CONFIG = 2
const EXIT_STORE = 3
const STORE_RETRY_MS = 1_000
const STORE_REMIND_MS = 30_000
/** Whatever hangs, the process is gone by then. */
const STOP_LIMIT_MS = 4_800

process.exitCode = await run()
// Sockets under way to a node that hangs must not hold the process.
process.exit()

async function run(): Promise<number> {
  try {
    const env = readConfig(process.env)
    const config = await loadConfig(env.configPath)
    return await collect(env, config, await loadTls(config))
  } catch (error) {
    if (!(error instanceof CachescopeError)) {
      process.stderr.write(`cachescope collector: ${error instanceof Error ? error.stack : String(error)}\n`)
      return 1
    }
    process.stderr.write(`${error.message}\n`)
    return error.code.startsWith('store-') ? EXIT_STORE : EXIT_CONFIG
  }
}

async function loadConfig(path: string): Promise<Config> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'does not exist' : 'cannot be read'
    const message = `${path} ${why}. Name your caches there, or set CACHESCOPE_CONFIG to where they are.`
    throw new CachescopeError('config-invalid', message, { where: path, cause })
  }
  try {
    return parseConfig(text, process.env, certificatesBeside(path))
  } catch (error) {
    if (error instanceof ConfigError) {
      throw new CachescopeError('config-invalid', formatProblems(path, error.problems), { where: path })
    }
    throw error
  }
}

async function loadTls(config: Config): Promise<Map<string, ConnectionOptions | null>> {
  const options = new Map<string, ConnectionOptions | null>()
  for (const { cacheId, tls } of config.caches) {
    if (!tls) {
      options.set(cacheId, null)
      continue
    }
    const { caPath, servername, rejectUnauthorized } = tls
    const ca = caPath === null ? undefined : await readCertificate(caPath, cacheId)
    options.set(cacheId, { rejectUnauthorized, ...(ca && { ca }), ...(servername && { servername }) })
  }
  return options
}

async function readCertificate(path: string, cacheId: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (cause) {
    const message = `The certificate ${path} of the cache ${cacheId} (tls.ca) cannot be read.`
    throw new CachescopeError('config-invalid', message, { where: path, cause })
  }
}

async function collect(
  env: CollectorEnv,
  config: Config,
  tls: Map<string, ConnectionOptions | null>,
): Promise<number> {
  const collectorId = `${hostname()}-${process.pid}-${randomBytes(3).toString('hex')}`
  const logger = createLogger(env.logLevel, collectorId)
  const store = openStore(env.databaseUrl)
  const collector = new Collector({
    collectorId,
    version: manifest.version,
    config,
    tls,
    store,
    createHotKeySource: createHotKeyLadder,
    clock: systemClock,
    logger,
  })
  const waiting = new Sleeper()
  let asked: string | null = null
  const stopped = new Promise<void>((resolve) => {
    const stop = (why: string) => {
      asked ??= why
      waiting.stop()
      resolve()
    }
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop(signal))
    if (process.channel) process.once('disconnect', () => stop('the parent process is gone'))
  })

  let phase: HealthReport = { status: 'starting', message: 'The collector waits for PostgreSQL.' }
  let server: HealthServer | null = null
  if (env.metricsPort > 0) {
    server = await startHealthServer({
      host: env.metricsHost,
      port: env.metricsPort,
      registry: collector.metrics.registry,
      report: () => (phase.status === 'starting' ? phase : collector.health()),
    })
  }
  logger.info(
    { version: manifest.version, caches: config.caches.length, metricsPort: env.metricsPort },
    'starting',
  )
  const missing = missingModule()
  if (missing !== null) {
    logger.warn(
      { why: missing },
      'MONITOR is read without WebAssembly, which takes more of this machine’s CPU',
    )
  }
  try {
    const isReady = await untilStoreAnswers(
      async () => {
        await migrate(env.databaseUrl)
        await collector.start()
      },
      waiting,
      logger,
    )
    if (isReady) {
      phase = { status: 'ok', message: null }
      logger.info({}, 'sampling')
      await stopped
    }
    logger.info({ why: asked }, 'stopping')
    const limit = setTimeout(() => process.exit(0), STOP_LIMIT_MS)
    await collector.stop()
    clearTimeout(limit)
    logger.info({}, 'stopped')
    return 0
  } finally {
    await server?.close()
    await Promise.race([closeStore(store).catch(() => {}), new Sleeper().sleep(300)])
  }
}

/** Tries again while Postgres is away. @returns false when asked to stop meanwhile; throws what waiting cannot cure */
async function untilStoreAnswers(
  begin: () => Promise<void>,
  waiting: Sleeper,
  logger: Logger,
): Promise<boolean> {
  let remindedAt = Number.NEGATIVE_INFINITY
  for (;;) {
    try {
      await begin()
      return true
    } catch (error) {
      if (!(error instanceof CachescopeError) || error.code !== 'store-unreachable') throw error
      if (performance.now() - remindedAt > STORE_REMIND_MS) {
        remindedAt = performance.now()
        logger.warn({}, `${error.message} Waiting for it.`)
      }
    }
    if (!(await waiting.sleep(STORE_RETRY_MS))) return false
  }
}
