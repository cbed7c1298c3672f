import { IconDatabaseOff } from '@tabler/icons-react'
import type { ErrorCode } from '../../core/errors.ts'
import { EmptyState } from './empty-state.tsx'
import { RefreshEvery } from './live.tsx'

const ADVICE: Partial<Record<ErrorCode, string>> = {
  'store-unreachable':
    'The collector keeps what it measures meanwhile and writes it when the database is back.',
  'store-denied':
    'Give the user of DATABASE_URL the right to read and write its schema, then restart the dashboard.',
  'store-too-old': 'Point DATABASE_URL at PostgreSQL 14 or later, or leave it out to use the embedded one.',
  'store-newer-schema': 'A newer Cachescope has migrated this database. Update this one to the same version.',
  'store-invalid-url': 'Correct DATABASE_URL, then restart the dashboard.',
}

/** In place of a page whose figures cannot be read; live.tsx asks again every few seconds. */
export function StoreDown({ code, message }: { code: ErrorCode; message: string }) {
  return (
    <EmptyState
      page
      title="The database does not answer"
      icon={<IconDatabaseOff size={28} stroke={1.6} color="var(--cs-harm)" aria-hidden="true" />}
    >
      <RefreshEvery ms={5000} />
      <p role="alert">{message}</p>
      <p>{ADVICE[code] ?? 'See the dashboard’s log for what PostgreSQL answered.'}</p>
      <p>Your caches are not affected. This page tries again every 5 seconds.</p>
    </EmptyState>
  )
}
