/** One PostgreSQL for all integration tests of a run, with a migrated template that each test copies. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbeddedPostgres } from '../../bin/embedded-postgres.ts'
import { connect } from '../../store/connection.ts'
import { migrate } from '../../store/migrate.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    postgresUrl: string
  }
}

/** The part of vitest's TestProject that this needs. */
type Project = { provide(name: 'postgresUrl', value: string): void }

export const TEMPLATE = 'cachescope_template'

export default async function setup(project: Project): Promise<() => Promise<void>> {
  const dataDir = await mkdtemp(join(tmpdir(), 'cachescope-test-pg-'))
  const lines: string[] = []
  const server = await startEmbeddedPostgres({
    dataDir,
    log: (line) => lines.push(line),
    settings: {
      fsync: 'off',
      synchronous_commit: 'off',
      full_page_writes: 'off',
      // Of four test files at a time, each with stores and collectors of its own, killed ones among them.
      max_connections: '500',
    },
  })
  const client = await connect(server.url)
  await client.query(`CREATE DATABASE ${TEMPLATE}`)
  await client.end()
  const templateUrl = new URL(server.url)
  templateUrl.pathname = `/${TEMPLATE}`
  await migrate(templateUrl.href)
  project.provide('postgresUrl', server.url)
  return async () => {
    await server.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
}
