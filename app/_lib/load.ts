import { CachescopeError, type ErrorCode } from '../../core/errors.ts'
import type { Store } from '../../store/client.ts'
import { getStore } from './store.ts'

/** What a page got from Postgres, or the sentence that says why it got nothing. */
export type Loaded<T> = { ok: true; value: T; now: number } | { ok: false; code: ErrorCode; message: string }

/**
 * Runs a page's queries with one store and one `now`. A store that cannot answer becomes a state that the page
 * shows (`<StoreDown/>`); everything else, Next's own not-found signal included, is thrown on.
 */
export async function load<T>(query: (store: Store, now: number) => Promise<T>): Promise<Loaded<T>> {
  const now = Date.now()
  try {
    return { ok: true, value: await query(getStore(), now), now }
  } catch (error) {
    if (error instanceof CachescopeError && error.code.startsWith('store-')) {
      return { ok: false, code: error.code, message: error.message }
    }
    throw error
  }
}
