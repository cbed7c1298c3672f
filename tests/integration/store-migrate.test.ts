import { createServer } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { type NodeMetric, nodeMetricNames } from '../../core/metrics.ts'
import { columnOf, columnType, hasPeak } from '../../store/columns.ts'
import { connect } from '../../store/connection.ts'
import { migrate } from '../../store/migrate.ts'
import { administer, createEmptyDatabase, type TestDatabase } from '../support/postgres.ts'

const MIGRATIONS = [
  '20261123000000_init',
  '20261124000000_hot_key_engine',
  '20261125000000_mitigations',
  '20261125010000_told_waits',
]

const open: TestDatabase[] = []
async function emptyDatabase(): Promise<string> {
  const database = await createEmptyDatabase()
  open.push(database)
  return database.url
}
afterEach(async () => {
  for (const database of open.splice(0)) await database.drop()
})

async function run(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = await connect(url)
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

test('from zero, and again', async () => {
  const url = await emptyDatabase()
  expect((await migrate(url)).applied).toEqual(MIGRATIONS)
  expect((await migrate(url)).applied).toEqual([])
  const history = await run(url, 'SELECT checksum, finished_at FROM _prisma_migrations')
  expect(history).toHaveLength(MIGRATIONS.length)
  expect(history[0]?.checksum).toMatch(/^[0-9a-f]{64}$/)
  expect(history[0]?.finished_at).not.toBeNull()
})

test('two processes at once: one applies, both end well', async () => {
  const url = await emptyDatabase()
  const applied = await Promise.all([migrate(url), migrate(url), migrate(url)])
  expect(applied.map((result) => result.applied.length).toSorted()).toEqual([0, 0, MIGRATIONS.length])
})

test('the sample tables have a column for every metric, of its type', async () => {
  const url = await emptyDatabase()
  await migrate(url)
  const rows = await run(
    url,
    `SELECT table_name AS t, column_name AS c, data_type AS d FROM information_schema.columns
     WHERE table_name IN ('node_sample', 'node_sample_1m', 'node_sample_1h')`,
  )
  const types = new Map(rows.map((row) => [`${row.t}.${row.c}`, row.d]))
  const expected = (metric: NodeMetric) => columnOf(metric)
  for (const metric of nodeMetricNames) {
    expect(types.get(`node_sample.${expected(metric)}`), metric).toBe(columnType(metric, 'raw'))
    for (const resolution of ['1m', '1h'] as const) {
      expect(types.get(`node_sample_${resolution}.${expected(metric)}`)).toBe(columnType(metric, resolution))
      const peak = types.get(`node_sample_${resolution}.${expected(metric)}_peak`)
      expect(peak).toBe(hasPeak(metric) ? columnType(metric, resolution) : undefined)
    }
  }
})

test.each<[string, string, RegExp]>([
  ['not a URL', 'localhost', /is not a URL/],
  ['another protocol', 'mysql://a@b/c', /starts with mysql:/],
  ['no database', 'postgres://u:secret@127.0.0.1:5432', /names no database/],
])('malformed: %s', async (_name, url, message) => {
  await expect(migrate(url)).rejects.toMatchObject({
    code: 'store-invalid-url',
    where: 'DATABASE_URL',
    message: expect.stringMatching(message),
  })
})

test('nothing listens there', async () => {
  await expect(migrate('postgres://u:secret@127.0.0.1:1/db')).rejects.toMatchObject({
    code: 'store-unreachable',
    message: expect.stringMatching(/^PostgreSQL at 127\.0\.0\.1:1\/db does not answer/),
  })
})

test('something listens that never answers', async () => {
  const server = createServer(() => {}).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const before = Date.now()
  await expect(migrate(`postgres://u:p@127.0.0.1:${port}/db`)).rejects.toMatchObject({
    code: 'store-unreachable',
  })
  // Of a busy machine: it is asked for three.
  expect(Date.now() - before).toBeLessThan(20_000)
  server.close()
})

test('a wrong password and a missing database are two sentences, without the password', async () => {
  const url = new URL(await emptyDatabase())
  url.password = 'hunter2'
  const denied = await migrate(url.href).catch((error: Error) => error)
  expect(denied).toMatchObject({ code: 'store-denied' })
  expect(String(denied)).not.toContain('hunter2')
  const missing = new URL(open[0]?.url ?? '')
  missing.pathname = '/nowhere'
  await expect(migrate(missing.href)).rejects.toMatchObject({
    code: 'store-invalid-url',
    message: expect.stringMatching(/does not exist at .*nowhere\. Create it/),
  })
})

test('a user without rights is told the GRANT', async () => {
  const url = new URL(await emptyDatabase())
  await administer(`DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN PASSWORD 'reader'`)
  url.username = 'reader'
  url.password = 'reader'
  await expect(migrate(url.href)).rejects.toMatchObject({
    code: 'store-denied',
    message: expect.stringMatching(
      /user reader may not create .*GRANT CREATE, USAGE ON SCHEMA public TO "reader";$/,
    ),
  })
})

test('the schema of a newer version is left alone', async () => {
  const url = await emptyDatabase()
  await migrate(url)
  await run(
    url,
    `INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count)
     VALUES ('x', 'x', '29990101000000_future', now(), 1)`,
  )
  await expect(migrate(url)).rejects.toMatchObject({
    code: 'store-newer-schema',
    message: expect.stringMatching(/newer Cachescope \(29990101000000_future\)/),
  })
})

test('a migration that was interrupted is begun again', async () => {
  const url = await emptyDatabase()
  await migrate(url)
  await run(url, 'DROP SCHEMA public CASCADE')
  await run(url, 'CREATE SCHEMA public')
  await run(
    url,
    `CREATE TABLE _prisma_migrations (id varchar(36) PRIMARY KEY, checksum varchar(64) NOT NULL,
       finished_at timestamptz, migration_name varchar(255) NOT NULL, logs text, rolled_back_at timestamptz,
       started_at timestamptz NOT NULL DEFAULT now(), applied_steps_count integer NOT NULL DEFAULT 0)`,
  )
  await run(
    url,
    `INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ('x', 'x', '20261123000000_init')`,
  )
  expect((await migrate(url)).applied).toEqual(MIGRATIONS)
})

test('one that cannot be finished says so', async () => {
  const url = await emptyDatabase()
  await migrate(url)
  await run(
    url,
    `UPDATE _prisma_migrations SET finished_at = NULL WHERE migration_name = '20261123000000_init'`,
  )
  await expect(migrate(url)).rejects.toMatchObject({
    code: 'store-half-migrated',
    message: expect.stringMatching(/half migrated: 20261123000000_init .*already exists/),
  })
})

test('an old server is refused by its version', async () => {
  const { assertServerVersion } = await import('../../store/migrate.ts')
  expect(() => assertServerVersion(130_012, '13.12')).toThrow(
    /names a PostgreSQL 13\.12; Cachescope needs 14/,
  )
  expect(() => assertServerVersion(140_000, '14.0')).not.toThrow()
})
