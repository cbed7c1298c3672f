/** The database of a run: the one that DATABASE_URL names, or the embedded one; migrated. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { migrate } from '../store/migrate.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres, stopLeftoverPostgres } from './embedded-postgres.ts'
import type { Session } from './session.ts'
import { withProgress } from './setup/progress.mjs'

const EMBEDDED_DIRECTORY = 'postgres'

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

/** Ends what an earlier run left on the data first: with its pid file gone nobody would find it. */
export async function forgetDatabase({ directory, print }: Session): Promise<void> {
  const dataDir = join(directory, EMBEDDED_DIRECTORY)
  await stopLeftoverPostgres(dataDir, print)
  rmSync(dataDir, { recursive: true, force: true })
}

/** The server does not end with us by itself: what ends it is in place before it is launched. */
async function startEmbedded({ supervisor, directory }: Session): Promise<string> {
  const abort = new AbortController()
  let pid: number | null = null
  let starting: Promise<EmbeddedPostgres> | null = null
  supervisor.onStop(
    'database',
    async () => {
      abort.abort()
      const postgres = await starting?.catch(() => null)
      await postgres?.stop()
    },
    () => {
      if (pid !== null) killAtOnce(pid)
    },
  )
  starting = withProgress('Starting the embedded PostgreSQL', (note) =>
    startEmbeddedPostgres({
      dataDir: join(directory, EMBEDDED_DIRECTORY),
      log: note,
      signal: abort.signal,
      onLaunch: (launched) => {
        pid = launched
      },
    }),
  )
  return (await starting).url
}

function killAtOnce(pid: number): void {
  try {
    process.kill(pid, 'SIGQUIT')
  } catch {
    // already gone
  }
}
