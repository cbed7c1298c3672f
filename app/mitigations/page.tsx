import { cacheId as cacheIdSchema } from '../../core/api/parameters.ts'
import { CachescopeError } from '../../core/errors.ts'
import type { Mitigation } from '../../core/mitigations/model.ts'
import { listCaches } from '../../store/caches.ts'
import type { Store } from '../../store/client.ts'
import { listMitigations } from '../../store/mitigations.ts'
import type { Page } from '../../store/page.ts'
import { StoreDown } from '../_components/store-down.tsx'
import { load } from '../_lib/load.ts'
import { readPageRange, type SearchParams } from '../_lib/page-range.ts'
import { MitigationsView } from './_components/mitigations-view.tsx'

const MAX_RUNNING = 200
const PAST = 50

export const metadata = { title: 'Mitigations' }

export default async function MitigationsPage({ searchParams }: { searchParams: Promise<SearchParams> }) {
  const params = await searchParams
  const page = readPageRange(params, Date.now())
  const asked = typeof params.cache === 'string' && params.cache !== '' ? params.cache : null
  const cursor = typeof params.cursor === 'string' && params.cursor !== '' ? params.cursor : null
  const loaded = await load(async (store, now) => {
    const caches = (await listCaches(store, now)).map(({ cacheId }) => cacheId)
    const known = asked !== null && cacheIdSchema.safeParse(asked).success && caches.includes(asked)
    const filter = known ? { cacheId: asked } : {}
    const [running, past] = await Promise.all([
      listMitigations(store, { ...filter, running: true, limit: MAX_RUNNING }),
      listPast(store, filter, cursor),
    ])
    return { caches, running: running.items, ...past, cacheId: known ? asked : null }
  })
  if (!loaded.ok) return <StoreDown code={loaded.code} message={loaded.message} />
  const { older, ...value } = loaded.value
  const notices = [
    ...(asked !== null && value.cacheId === null ? [`No cache is called ${asked.slice(0, 63)}.`] : []),
    ...(cursor !== null && !older
      ? ['The address asks for older mitigations from a place that is not known. These are the newest.']
      : []),
  ]
  return (
    <MitigationsView
      {...value}
      older={older}
      page={page}
      notice={notices.length === 0 ? null : notices.join(' ')}
    />
  )
}

/** The newest where the cursor of an address is damaged. `older`: it is not their first page. */
async function listPast(
  store: Store,
  filter: { cacheId?: string },
  cursor: string | null,
): Promise<{ past: Page<Mitigation>; older: boolean }> {
  const list = { ...filter, running: false, limit: PAST }
  if (cursor !== null) {
    try {
      return { past: await listMitigations(store, { ...list, cursor }), older: true }
    } catch (error) {
      if (!(error instanceof CachescopeError && error.code === 'invalid-parameter')) throw error
    }
  }
  return { past: await listMitigations(store, list), older: false }
}
