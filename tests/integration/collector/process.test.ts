/** The collector as a process: exit codes, clean stops, and who takes over. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { closeStore, openStore } from '../../../store/client.ts'
import { listCollectors } from '../../../store/collectors.ts'
import { cacheYaml } from '../../support/collector.ts'
import { freePort } from '../../support/free-port.ts'
import { createEmptyDatabase, createTestDatabase } from '../../support/postgres.ts'
import { delay, startRedis, until } from '../../support/redis.ts'
import { startTcpProxy } from '../../support/tcp-proxy.ts'

const MAIN = new URL('../../../collector/main.ts', import.meta.url).pathname
const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

type Run = { child: ChildProcess; output(): string; exit: Promise<number | null> }

async function run(env: Record<string, string>, yaml: string, ipc = false): Promise<Run> {
  const directory = await mkdtemp(join(tmpdir(), 'cachescope-collector-'))
  const path = join(directory, 'cachescope.yaml')
  await writeFile(path, yaml)
  const settings = { CACHESCOPE_CONFIG: path, CACHESCOPE_METRICS_PORT: '0', DATABASE_URL: undefined, ...env }
  const child: ChildProcess = spawn(process.execPath, [MAIN], {
    env: { ...process.env, ...settings },
    stdio: ipc ? ['ignore', 'pipe', 'pipe', 'ipc'] : ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (data: Buffer) => {
      output += data.toString()
    })
  }
  // Its output is whole when both have ended, which it need not be at its exit; a closed IPC channel keeps 'close' back.
  const isWhole = Promise.all([child.stdout, child.stderr].map((stream) => stream && finished(stream)))
  const exit = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => void isWhole.then(() => resolve(code)))
  })
  ends.push(async () => {
    child.kill('SIGKILL')
    await exit
    await rm(directory, { recursive: true, force: true })
  })
  return { child, output: () => output, exit }
}

async function oneNode() {
  const [node, database] = await Promise.all([startRedis(), createTestDatabase()])
  ends.push(node.stop, database.drop)
  return { yaml: `caches:\n${cacheYaml('one', 'standalone', [node.url])}`, database }
}

describe('exit codes', () => {
  const DATABASE_URL = 'postgres://nobody@127.0.0.1:1/none'

  it.each<[string, Record<string, string>, string, number, RegExp]>([
    [
      'a wrong configuration',
      { DATABASE_URL },
      'caches:\n  - name: X\n    kind: redis\n',
      2,
      /yaml:2:11: caches\[0\]\.name .*\n.*yaml:3:11: caches\[0\]\.kind/,
    ],
    [
      'no configuration',
      { DATABASE_URL, CACHESCOPE_CONFIG: '/nowhere/cachescope.yaml' },
      '',
      2,
      /does not exist/,
    ],
    ['no DATABASE_URL', {}, 'caches: []\n', 2, /DATABASE_URL is not set/],
    [
      'metrics for other machines',
      { DATABASE_URL, CACHESCOPE_METRICS_HOST: '0.0.0.0' },
      'caches: []\n',
      2,
      /CACHESCOPE_METRICS_HOST must be a loopback address .* there is no sign-in yet/,
    ],
    ['a wrong log level', { DATABASE_URL, LOG_LEVEL: 'loud' }, 'caches: []\n', 2, /LOG_LEVEL is one of/],
    [
      'a DATABASE_URL that is none',
      { DATABASE_URL: 'hunter2' },
      'caches: []\n',
      3,
      /DATABASE_URL is not a URL/,
    ],
  ])('%s', async (_, env, yaml, code, message) => {
    const { exit, output } = await run(env, yaml)
    expect(await exit).toBe(code)
    expect(output()).toMatch(message)
    expect(output()).not.toMatch(/hunter2|\n\s+at /)
  })

  it('a password that Postgres refuses', async () => {
    const database = await createEmptyDatabase()
    ends.push(database.drop)
    const url = new URL(database.url)
    url.username = 'nobody'
    url.password = 'hunter2'
    const { exit, output } = await run({ DATABASE_URL: url.href }, 'caches: []\n')
    expect(await exit).toBe(3)
    expect(output()).not.toContain('hunter2')
  })

  it('a port that is taken', async () => {
    const proxy = await startTcpProxy({ host: '127.0.0.1', port: 1 })
    ends.push(proxy.close)
    const env = { DATABASE_URL, CACHESCOPE_METRICS_PORT: String(proxy.port) }
    const { exit, output } = await run(env, 'caches: []\n')
    expect(await exit).toBe(2)
    expect(output()).toMatch(/CACHESCOPE_METRICS_PORT/)
  })
})

describe('a stop', () => {
  it.each(['SIGTERM', 'SIGINT', 'disconnect'] as const)(
    'by %s saves, releases and exits with 0',
    async (how) => {
      const { yaml, database } = await oneNode()
      const port = await freePort()
      const env = { DATABASE_URL: database.url, CACHESCOPE_METRICS_PORT: String(port) }
      const { child, exit, output } = await run(env, yaml, true)
      const get = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).text()
      await until('it samples', async () => (await get('/healthz')).includes('"up":1'))
      expect(await get('/metrics')).toMatch(/^cachescope_nodes\{cache="one",state="up"\} 1$/m)
      const started = performance.now()
      if (how === 'disconnect') child.disconnect()
      else child.kill(how)
      expect(await exit).toBe(0)
      expect(performance.now() - started).toBeLessThan(15_000)
      expect(output()).toMatch(/"stopped"/)
      const store = openStore(database.url)
      ends.push(() => closeStore(store))
      // It waits for no Postgres that takes its time, which carries out what it was sent.
      await until('no lease is left', async () => {
        expect((await store.pool.query('SELECT * FROM lease')).rows).toEqual([])
        return true
      })
    },
  )

  it('waits for no Postgres that is gone', async () => {
    const { yaml, database } = await oneNode()
    const url = new URL(database.url)
    const proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port) })
    ends.push(proxy.close)
    url.hostname = '127.0.0.1'
    url.port = String(proxy.port)
    const { child, exit, output } = await run({ DATABASE_URL: url.href }, yaml)
    await until('it samples', () => output().includes('is watched by this collector'))
    await delay(2_000)
    proxy.cut()
    await until('it knows', () => output().includes('kept in memory'))
    const started = performance.now()
    child.kill('SIGTERM')
    expect(await exit).toBe(0)
    // On a busy machine too it waits for no answer of Postgres: that would be twenty.
    expect(performance.now() - started).toBeLessThan(15_000)
  })

  it('is possible while it waits for a Postgres that is not there yet', async () => {
    const { child, exit, output } = await run(
      { DATABASE_URL: 'postgres://x@127.0.0.1:1/none' },
      'caches: []\n',
    )
    await until('it says so', () => output().includes('Waiting for it.'))
    child.kill('SIGTERM')
    expect(await exit).toBe(0)
  })
})

type Renewal = { at: Date; was_of: string; is_of: string; was_until: Date }
const RECORD_LEASES = `
  CREATE TABLE renewal (at timestamptz(3), was_of text, is_of text, was_until timestamptz);
  CREATE FUNCTION note_renewal() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO renewal VALUES (clock_timestamp(), OLD.collector_id, NEW.collector_id, OLD.expires_at);
    RETURN NEW;
  END $$;
  CREATE TRIGGER note_renewal AFTER UPDATE ON lease FOR EACH ROW EXECUTE FUNCTION note_renewal();`

it('hands its caches to another collector once its lease has run out, at the next renewal', async () => {
  const { yaml, database } = await oneNode()
  const store = openStore(database.url)
  ends.push(() => closeStore(store))
  await store.pool.query(RECORD_LEASES)
  const first = await run({ DATABASE_URL: database.url }, yaml)
  await until('the first watches', () => first.output().includes('is watched by this collector'))
  const second = await run({ DATABASE_URL: database.url }, yaml)
  await until('the second is there', async () => (await listCollectors(store, Date.now())).length === 2)
  const renewals = async () => (await store.pool.query<Renewal>('SELECT * FROM renewal ORDER BY at')).rows
  await until('the first has renewed twice', async () => (await renewals()).length >= 2)
  expect(second.output()).not.toContain('is watched by this collector')

  first.child.kill('SIGKILL')
  await until('the second takes over', () => second.output().includes('is watched by this collector'))
  const rows = await renewals()
  const taken = rows.findIndex(({ was_of, is_of }) => was_of !== is_of)
  const { at: takenAt, was_until: deadUntil } = rows[taken] as Renewal
  expect(takenAt.getTime()).toBeGreaterThanOrEqual(deadUntil.getTime())
  const renewedAt = rows[taken - 1]?.at.getTime() ?? 0
  expect(deadUntil.getTime() - renewedAt).toBeLessThanOrEqual(10_000)
  // The second asks as often as the first has renewed, on this machine.
  const paces = rows.slice(1, taken).map(({ at }, index) => at.getTime() - (rows[index]?.at.getTime() ?? 0))
  expect(takenAt.getTime() - deadUntil.getTime()).toBeLessThan(3 * Math.max(3_000, ...paces))
})
