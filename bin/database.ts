/** The database of a run: the one that DATABASE_URL names, or the embedded one; migrated. */
import { join } from 'node:path'
import { migrate } from '../store/migrate.ts'
import { startEmbeddedPostgres } from './embedded-postgres.ts'
import type { Session } from './session.ts'
import { withProgress } from './setup/progress.mjs'

/**
 * @returns its URL
 * @throws CachescopeError store-…
 */
export async function openDatabase(session: Session, databaseUrl: string | undefined): Promise<string> {
  const url = databaseUrl || (await startEmbedded(session))
  const { applied } = await withProgress('Bringing the database to this version', () => migrate(url))
  if (applied.length > 0) session.print(`Database: applied ${applied.join(', ')}.`)
  return url
}

async function startEmbedded({ supervisor, directory }: Session): Promise<string> {
  const postgres = await withProgress('Starting the embedded PostgreSQL', (note) =>
    startEmbeddedPostgres({ dataDir: join(directory, 'postgres'), log: note }),
  )
  supervisor.onStop('database', postgres.stop, () => {
    try {
      process.kill(postgres.pid, 'SIGQUIT')
    } catch {
      // already gone
    }
  })
  return postgres.url
}
