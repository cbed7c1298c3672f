import { cacheId as cacheIdSchema } from '../../core/api/parameters.ts'
import { listCaches } from '../../store/caches.ts'
import { listMitigations } from '../../store/mitigations.ts'
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
      listMitigations(store, {
        ...filter,
        running: false,
        limit: PAST,
        ...(cursor === null ? {} : { cursor }),
      }),
    ])
    return { caches, running: running.items, past, cacheId: known ? asked : null }
  })
  if (!loaded.ok) return <StoreDown code={loaded.code} message={loaded.message} />
  const unknown =
    asked !== null && loaded.value.cacheId === null ? `No cache is called ${asked.slice(0, 63)}.` : null
  return <MitigationsView {...loaded.value} older={cursor !== null} page={page} notice={unknown} />
}
