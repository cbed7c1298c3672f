import { CachescopeError } from '../../core/errors.ts'
import { openStore, type Store } from '../../store/client.ts'

// On globalThis: a development reload evaluates this module anew, the pool must outlive it.
const holder = globalThis as typeof globalThis & { cachescopeStore?: Store }

/**
 * The one store of this process.
 * @throws CachescopeError store-invalid-url where DATABASE_URL is not set
 */
export function getStore(): Store {
  if (holder.cachescopeStore === undefined) {
    const url = process.env.DATABASE_URL
    if (!url) {
      throw new CachescopeError(
        'store-invalid-url',
        'DATABASE_URL is not set. Start the dashboard with `cachescope start`, or set DATABASE_URL to the address of a PostgreSQL database.',
        { where: 'DATABASE_URL' },
      )
    }
    holder.cachescopeStore = openStore(url)
  }
  return holder.cachescopeStore
}
