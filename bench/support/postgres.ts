/** A migrated database on an embedded PostgreSQL of the benchmark's own, with the settings of real use. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbeddedPostgres } from '../../bin/embedded-postgres.ts'
import { closeStore, openStore, type Store } from '../../store/client.ts'
import { migrate } from '../../store/migrate.ts'

export async function withBenchStore<T>(use: (store: Store) => Promise<T>): Promise<T> {
  const dataDir = await mkdtemp(join(tmpdir(), 'cachescope-bench-'))
  const server = await startEmbeddedPostgres({ dataDir, log: (line) => console.error(line) })
  const stop = async () => {
    await server.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
  const interrupted = () => void stop().then(() => process.exit(130))
  process.once('SIGINT', interrupted)
  process.once('SIGTERM', interrupted)
  try {
    await migrate(server.url)
    const store = openStore(server.url)
    try {
      return await use(store)
    } finally {
      await closeStore(store)
    }
  } finally {
    process.off('SIGINT', interrupted)
    process.off('SIGTERM', interrupted)
    await stop()
  }
}
