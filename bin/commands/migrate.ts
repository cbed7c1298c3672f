/** `cachescope migrate`: brings the database of DATABASE_URL to this version's schema, and starts nothing. */
import { migrate as migrateStore } from '../../store/migrate.ts'
import { CommandError, EXIT } from '../exit-codes.ts'

export async function migrate(databaseUrl: string | undefined): Promise<void> {
  if (!databaseUrl) {
    throw new CommandError(
      EXIT.badInput,
      'DATABASE_URL is not set. Give the database to migrate: DATABASE_URL=postgres://user:password@host:5432/name cachescope migrate\n' +
        '(The embedded database needs no such command: `cachescope start` migrates it.)',
    )
  }
  const { applied } = await migrateStore(databaseUrl)
  process.stdout.write(
    applied.length === 0
      ? 'Nothing to apply: the database is at this version.\n'
      : `Applied ${applied.join(', ')}.\n`,
  )
}
