import type { PolicyDocument } from '../../../../core/protocol/policy.ts'
import type { Store } from '../../../../store/client.ts'
import { subscribe } from '../../../../store/notifications.ts'
import { readPolicyDocument } from '../../../../store/policies.ts'
import { answer, endpoint } from '../../_lib/endpoint.ts'
import { createWakeHub, type WakeHub } from '../../_lib/wake-hub.ts'

/** Shorter than a lease: a reader that is told "nothing newer" in time goes on with what it has. */
const LONG_POLL_MS = 25_000
const holder = globalThis as { cachescopeWake?: WakeHub; cachescopeReads?: Map<string, Reading> }

function wakeHub(): WakeHub {
  if (holder.cachescopeWake) return holder.cachescopeWake
  const databaseUrl = process.env.DATABASE_URL ?? ''
  const hub = createWakeHub((onMessage, onState) => subscribe(databaseUrl, onMessage, onState))
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void hub.close())
  holder.cachescopeWake = hub
  return hub
}

export const { GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE } = endpoint(
  'getPolicies',
  async (store, { cacheId, app, rev }, now, { request }) => {
    const { signal } = request
    const known = request.headers.get('if-none-match')
    const until = now + LONG_POLL_MS
    for (;;) {
      const ms = until - Date.now()
      // Listened for before it is read: what changes in between is not missed.
      const next = rev === undefined || ms <= 0 ? null : wakeHub().next(cacheId, { ms, signal })
      try {
        const document = await readShared(store, cacheId, app)
        const headers = { etag: etagOf(document), 'cache-control': 'no-cache' }
        // Where no collector has the cache its revision is 0: "nothing newer" would let a reader go on.
        const newer = rev === undefined ? known !== headers.etag : document.rev !== rev
        if (newer) return answer(document, { headers })
        if (next === null) return new Response(null, { status: 304, headers })
        await next.woken
      } finally {
        next?.cancel()
      }
    }
  },
)

const etagOf = ({ rev }: PolicyDocument) => `"${rev}"`

type Reading = { now: Promise<PolicyDocument>; next: Promise<PolicyDocument> | null }

/** A tick wakes every reader of a cache at once: they share one read, and none that began before they were woken. */
function readShared(store: Store, cacheId: string, app: string): Promise<PolicyDocument> {
  holder.cachescopeReads ??= new Map()
  const reads = holder.cachescopeReads
  const name = `${cacheId} ${app}`
  const read = () => readPolicyDocument(store, { cacheId, app, now: Date.now() })
  const reading = reads.get(name)
  if (reading !== undefined) {
    reading.next ??= reading.now.then(read, read)
    return reading.next
  }
  const begun: Reading = { now: read(), next: null }
  reads.set(name, begun)
  const settle = () => {
    if (begun.next === null) return void reads.delete(name)
    begun.now = begun.next
    begun.next = null
    begun.now.then(settle, settle)
  }
  begun.now.then(settle, settle)
  return begun.now
}
