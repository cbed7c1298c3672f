/**
 * Brings a database to the schema of this version, by Prisma's schema engine as WebAssembly: no download, no
 * separate binary, the same history table as the Prisma CLI.
 */
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { MigrationList } from '@prisma/schema-engine-wasm/schema_engine_bg'
import pg from 'pg'
import { CachescopeError } from '../core/errors.ts'
import { parseDatabaseUrl } from './client.ts'
import { describeDatabase, errorText, translateError } from './errors.ts'
import { withSchemaEngine } from './schema-engine.ts'

const PRISMA_DIR = fileURLToPath(new URL('../prisma/', import.meta.url))
const NO_FILTERS = { externalTables: [], externalEnums: [] }
const MIN_SERVER_VERSION = 140_000
/** Advisory lock: one process migrates, the others wait and then find nothing to do. */
const MIGRATION_LOCK = [7_233_001, 1]

/**
 * @returns the names of the migrations that were applied now, oldest first
 * @throws CachescopeError store-invalid-url, store-unreachable, store-denied, store-too-old, store-newer-schema,
 *   store-half-migrated
 */
export async function migrate(databaseUrl: string): Promise<{ applied: string[] }> {
  const url = parseDatabaseUrl(databaseUrl)
  const migrations = await readMigrations()
  const client = new pg.Client({
    connectionString: url.href,
    connectionTimeoutMillis: 3_000,
    application_name: 'cachescope migrate',
  })
  client.on('error', () => {})
  try {
    await client.connect()
    assertServerVersion(...(await readServerVersion(client)))
    await client.query('SELECT pg_advisory_lock($1, $2)', MIGRATION_LOCK)
    const interrupted = await inspectHistory(client, migrations, databaseUrl)
    await assertMayCreate(client, databaseUrl)
    return { applied: await apply(url, migrations, interrupted) }
  } catch (error) {
    throw translateError(error, databaseUrl)
  } finally {
    await client.end().catch(() => {})
  }
}

async function readMigrations(): Promise<MigrationList> {
  const baseDir = `${PRISMA_DIR}migrations`
  const entries = await readdir(baseDir, { withFileTypes: true })
  const names = entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort()
  const migrationDirectories = await Promise.all(
    names.map(async (name) => ({
      path: name,
      migrationFile: {
        path: 'migration.sql',
        content: { tag: 'ok' as const, value: await readFile(`${baseDir}/${name}/migration.sql`, 'utf8') },
      },
    })),
  )
  const lockfile = {
    path: 'migration_lock.toml',
    content: await readFile(`${baseDir}/migration_lock.toml`, 'utf8'),
  }
  return { baseDir, lockfile, shadowDbInitScript: '', migrationDirectories }
}

async function readServerVersion(client: pg.Client): Promise<[number, string]> {
  const { rows } = await client.query<{ number: number; text: string }>(
    `SELECT current_setting('server_version_num')::integer AS number, current_setting('server_version') AS text`,
  )
  return [rows[0]?.number ?? 0, rows[0]?.text ?? 'unknown']
}

/** @throws CachescopeError store-too-old */
export function assertServerVersion(number: number, text: string): void {
  if (number >= MIN_SERVER_VERSION) return
  throw new CachescopeError(
    'store-too-old',
    `DATABASE_URL names a PostgreSQL ${text}; Cachescope needs 14 or later. Upgrade the server or name another.`,
    { where: 'DATABASE_URL' },
  )
}

/** @returns the migrations that a process began and did not live to finish */
async function inspectHistory(
  client: pg.Client,
  migrations: MigrationList,
  databaseUrl: string,
): Promise<string[]> {
  const { rows: tables } = await client.query<{ found: boolean }>(
    `SELECT to_regclass('_prisma_migrations') IS NOT NULL AS found`,
  )
  if (tables[0]?.found !== true) return []
  const { rows } = await client.query<{ name: string; finished: boolean }>(
    `SELECT migration_name AS name, finished_at IS NOT NULL AS finished
     FROM _prisma_migrations WHERE rolled_back_at IS NULL ORDER BY started_at`,
  )
  const known = new Set(migrations.migrationDirectories.map((directory) => directory.path))
  const unknown = rows.filter((row) => !known.has(row.name)).map((row) => row.name)
  if (unknown.length > 0) {
    throw new CachescopeError(
      'store-newer-schema',
      `The database at ${describeDatabase(databaseUrl)} has the schema of a newer Cachescope (${unknown.join(', ')}). Start that version, or name another database.`,
      { where: 'DATABASE_URL' },
    )
  }
  return rows.filter((row) => !row.finished).map((row) => row.name)
}

async function assertMayCreate(client: pg.Client, databaseUrl: string): Promise<void> {
  const { rows } = await client.query<{ user: string; schema: string | null; allowed: boolean | null }>(
    `SELECT current_user AS user, current_schema() AS schema,
       has_schema_privilege(current_schema(), 'CREATE') AS allowed`,
  )
  const row = rows[0]
  if (row === undefined || row.allowed === true) return
  const schema = row.schema ?? 'public'
  throw new CachescopeError(
    'store-denied',
    `The user ${row.user} may not create tables in ${describeDatabase(databaseUrl)}. As its owner, run: GRANT CREATE, USAGE ON SCHEMA ${schema} TO "${row.user}";`,
    { where: 'DATABASE_URL' },
  )
}

async function apply(url: URL, migrations: MigrationList, interrupted: string[]): Promise<string[]> {
  const schema = await readFile(`${PRISMA_DIR}schema.prisma`, 'utf8')
  const pool = new pg.Pool({ connectionString: url.href, connectionTimeoutMillis: 3_000, max: 2 })
  pool.on('error', () => {})
  try {
    return await withSchemaEngine(pool, schema, async (engine) => {
      // A migration is one transaction, so what was interrupted left nothing behind and can be begun again.
      for (const migrationName of interrupted) await engine.markMigrationRolledBack({ migrationName })
      const result = await engine.applyMigrations({ migrationsList: migrations, filters: NO_FILTERS })
      return result.appliedMigrationNames
    })
  } catch (cause) {
    const translated = translateError(cause, url.href)
    if (interrupted.length === 0 || translated instanceof CachescopeError) throw translated
    throw new CachescopeError(
      'store-half-migrated',
      `The database at ${describeDatabase(url.href)} is half migrated: ${interrupted.join(', ')} was begun and cannot be finished (${firstLine(errorText(cause))}). Restore a backup, or name an empty database.`,
      { where: 'DATABASE_URL', cause },
    )
  } finally {
    await pool.end()
  }
}

function firstLine(text: string): string {
  return (
    text
      .split('\n')
      .find((line) => line.trim() !== '')
      ?.trim() ?? 'no reason given'
  )
}
