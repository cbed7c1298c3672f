import type { Metadata } from 'next'
import { notFound } from 'next/navigation'
import { keyFromBase64Url } from '../../../core/key-text.ts'
import type { Mitigation } from '../../../core/mitigations/model.ts'
import type { TimeRange } from '../../../core/range.ts'
import type { Store } from '../../../store/client.ts'
import { listEvents } from '../../../store/events.ts'
import { getHotKey } from '../../../store/hot-keys.ts'
import { listMitigationSamples } from '../../../store/mitigation-samples.ts'
import { getMitigation } from '../../../store/mitigations.ts'
import { getSeries } from '../../../store/samples.ts'
import { listShards } from '../../../store/shards.ts'
import { StoreDown } from '../../_components/store-down.tsx'
import { load } from '../../_lib/load.ts'
import { mitigationName } from '../../_lib/mitigation-text.ts'
import { readPageRange, type SearchParams } from '../../_lib/page-range.ts'
import { getStore } from '../../_lib/store.ts'
import { MitigationView } from './_components/mitigation-view.tsx'
import type { DetailData } from './_lib/detail-data.ts'

type Props = { params: Promise<{ mitigationId: string }>; searchParams: Promise<SearchParams> }

const EVENTS = 100
const AROUND_MS = 3 * 60_000
const LEAST_MS = 15 * 60_000
const TITLE_LENGTH = 60

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const id = readId((await params).mitigationId)
  if (id === null) return { title: 'Unknown mitigation' }
  try {
    const mitigation = await getMitigation(getStore(), id)
    return {
      title: mitigation === null ? 'Unknown mitigation' : mitigationName(mitigation).slice(0, TITLE_LENGTH),
    }
  } catch {
    // The page itself says why the database does not answer.
    return { title: `Mitigation ${id}` }
  }
}

export default async function MitigationPage({ params, searchParams }: Props) {
  const [path, search] = await Promise.all([params, searchParams])
  const id = readId(path.mitigationId)
  if (id === null) notFound()
  const loaded = await load((store, now) => readDetail(store, id, search, now))
  if (!loaded.ok) return <StoreDown code={loaded.code} message={loaded.message} />
  if (loaded.value === null) notFound()
  return <MitigationView data={loaded.value} />
}

function readId(text: string): number | null {
  return /^[1-9]\d{0,8}$/.test(text) ? Number(text) : null
}

async function readDetail(
  store: Store,
  mitigationId: number,
  search: SearchParams,
  now: number,
): Promise<DetailData | null> {
  const mitigation = await getMitigation(store, mitigationId)
  if (mitigation === null) return null
  const page = readPageRange(search, now)
  const asked = [page.query.range, page.query.from, page.query.to].some((value) => value !== undefined)
  const range = asked ? page.range : ownRange(mitigation, now)
  const { cacheId, target } = mitigation
  const key = target.kind === 'key' ? keyFromBase64Url(urlSafe(target.keyBase64)) : null
  const [samples, shards, series, events, hotKey] = await Promise.all([
    listMitigationSamples(store, mitigationId),
    listShards(store, cacheId, now),
    getSeries(store, { cacheId, metrics: ['opsPerSec'], range }),
    listEvents(store, { cacheId, range, limit: EVENTS }),
    target.kind === 'key' && key !== null
      ? getHotKey(store, { cacheId, db: target.db, key, range, now })
      : null,
  ])
  return {
    mitigation,
    samples,
    shards,
    series,
    events: events.items,
    history: hotKey?.history ?? null,
    slot: hotKey?.slot ?? null,
    range,
    page,
  }
}

/** From a little before it began to a little after it ended; a quarter of an hour at least. */
function ownRange(mitigation: Mitigation, now: number): TimeRange {
  const ended = mitigation.phase === 'off' ? Date.parse(mitigation.phaseSince) + AROUND_MS : now
  const to = Math.min(now, ended)
  const from = Math.min(Date.parse(mitigation.createdAt) - AROUND_MS, to - LEAST_MS)
  return { name: 'custom', from, to }
}

const urlSafe = (base64: string) => base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
