/** A database of its own for each test, on the server that global-postgres.ts runs. */
import { randomBytes } from 'node:crypto'
import { inject } from 'vitest'
import { connect } from '../../store/connection.ts'
import { TEMPLATE } from './global-postgres.ts'

/** A server that many tests share may take its time on a busy machine. */
const PATIENCE_MS = 60_000

export type TestDatabase = { url: string; drop(): Promise<void> }

/** A fresh, migrated database; `drop()` ends the connections that are left. */
export async function createTestDatabase(): Promise<TestDatabase> {
  return copyDatabase(TEMPLATE)
}

/** A fresh database without any table. */
export async function createEmptyDatabase(): Promise<TestDatabase> {
  return copyDatabase('template1')
}

async function copyDatabase(template: string): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`
  await administer(`CREATE DATABASE ${name} TEMPLATE ${template}`)
  const url = new URL(inject('postgresUrl'))
  url.pathname = `/${name}`
  return { url: url.href, drop: () => administer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) }
}

/** One statement on the test server, as its superuser. */
export async function administer(sql: string): Promise<void> {
  const client = await connect(inject('postgresUrl'), PATIENCE_MS)
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}
