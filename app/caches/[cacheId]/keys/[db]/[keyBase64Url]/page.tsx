import type { Metadata } from 'next'
import { notFound } from 'next/navigation'
import { cacheId as cacheIdSchema, db as dbSchema } from '../../../../../../core/api/parameters.ts'
import { CachescopeError } from '../../../../../../core/errors.ts'
import { formatKey, keyFromBase64Url } from '../../../../../../core/key-text.ts'
import { type Advice, advise } from '../../../../../../core/mitigations/advice.ts'
import type { MitigationDraft } from '../../../../../../core/mitigations/model.ts'
import type { Store } from '../../../../../../store/client.ts'
import { listEvents } from '../../../../../../store/events.ts'
import { listBigKeys, listMissingKeys } from '../../../../../../store/hot-key-lists.ts'
import { getHotKey } from '../../../../../../store/hot-keys.ts'
import { listHotPatterns } from '../../../../../../store/hot-patterns.ts'
import { readKeyWaits } from '../../../../../../store/key-waits.ts'
import { readMitigationFacts } from '../../../../../../store/mitigation-facts.ts'
import { listMitigations } from '../../../../../../store/mitigations.ts'
import { listShards } from '../../../../../../store/shards.ts'
import { StoreDown } from '../../../../../_components/store-down.tsx'
import { load } from '../../../../../_lib/load.ts'
import { readPageRange, type SearchParams } from '../../../../../_lib/page-range.ts'
import { type KeyData, KeyView } from './_components/key-view.tsx'

/** Without keyBase64Url it is the key with the empty name. */
type Path = { cacheId: string; db: string; keyBase64Url?: string }
type Props = { params: Promise<Path>; searchParams: Promise<SearchParams> }
type Address = { cacheId: string; db: number; key: Uint8Array }

const TITLE_LENGTH = 60
const LISTED_KEYS = 5
const MAX_PATTERNS = 200
const MITIGATIONS = 5
const MAX_EVENTS = 100

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const address = readAddress(await params)
  if (address === null) return { title: 'Unknown key' }
  const name = formatKey(address.key)
  return { title: name.length > TITLE_LENGTH ? `${name.slice(0, TITLE_LENGTH)}…` : name }
}

export default async function KeyPage({ params, searchParams }: Props) {
  const [path, search] = await Promise.all([params, searchParams])
  const address = readAddress(path)
  if (address === null) notFound()
  const loaded = await load((store, now) => readKey(store, address, search, now))
  if (!loaded.ok) return <StoreDown {...loaded} />
  if (loaded.value === null) notFound()
  return <KeyView data={loaded.value} />
}

function readAddress(path: Path): Address | null {
  const cacheId = cacheIdSchema.safeParse(path.cacheId)
  const db = dbSchema.safeParse(/^\d{1,5}$/.test(path.db) ? Number(path.db) : null)
  const key = keyFromBase64Url(path.keyBase64Url ?? '')
  return cacheId.success && db.success && key !== null ? { cacheId: cacheId.data, db: db.data, key } : null
}

async function readKey(
  store: Store,
  address: Address,
  search: SearchParams,
  now: number,
): Promise<KeyData | null> {
  const page = readPageRange(search, now)
  const { cacheId } = address
  const target = { kind: 'key', db: address.db, keyBase64: base64(address.key) } as const
  const [detail, shards, missing, big, patterns, mitigations, events, advice, waits] = await Promise.all([
    getHotKey(store, { ...address, range: page.range, now }),
    listShards(store, cacheId, now),
    listMissingKeys(store, { cacheId, limit: LISTED_KEYS, now }),
    listBigKeys(store, { cacheId, limit: LISTED_KEYS, now }),
    listHotPatterns(store, { cacheId, limit: MAX_PATTERNS, now }),
    listMitigations(store, { cacheId, target, limit: MITIGATIONS }),
    listEvents(store, { cacheId, range: page.range, limit: MAX_EVENTS }),
    readAdvice(store, { cacheId, target }, now),
    readKeyWaits(store, { cacheId, ...target }, now),
  ])
  if (detail === null) return null
  return {
    detail,
    shards,
    missing,
    big,
    patterns: patterns.items,
    mitigations: mitigations.items,
    events: events.items,
    advice,
    waits,
    page,
  }
}

/** null of a cache that is not there: the page says so itself. */
async function readAdvice(
  store: Store,
  of: Pick<MitigationDraft, 'cacheId' | 'target'>,
  now: number,
): Promise<Advice | null> {
  try {
    return advise(await readMitigationFacts(store, of, now), now)
  } catch (error) {
    if (error instanceof CachescopeError && error.code === 'not-found') return null
    throw error
  }
}

const base64 = (key: Uint8Array) => Buffer.from(key).toString('base64')
