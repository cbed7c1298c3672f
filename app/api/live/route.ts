import { subscribe } from '../../../store/notifications.ts'
import { getStore } from '../../_lib/store.ts'
import { readOnly } from '../_lib/endpoint.ts'
import { createLiveHub, type LiveHub } from '../_lib/live-hub.ts'
import { problemResponse } from '../_lib/problems.ts'

const MAX_STREAMS = 200
const holder = globalThis as { cachescopeLive?: LiveHub }

function liveHub(): LiveHub {
  if (holder.cachescopeLive) return holder.cachescopeLive
  const databaseUrl = process.env.DATABASE_URL ?? ''
  const hub = createLiveHub((onMessage, onState) => subscribe(databaseUrl, onMessage, onState), {
    maxStreams: MAX_STREAMS,
  })
  // `next start` waits for open requests when it is told to stop; a live stream would never end.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void hub.close())
  holder.cachescopeLive = hub
  return hub
}

export const { GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE } = readOnly(async (request) => {
  if (request.method === 'HEAD') return new Response(null, { headers: STREAM_HEADERS })
  getStore() // refuses where no database is named
  const stream = liveHub().open(request.signal)
  if (stream === null) {
    return problemResponse('too-many-streams', 503, `At most ${MAX_STREAMS} pages can be live at once.`, {
      headers: { 'retry-after': '10' },
    })
  }
  return new Response(stream, { headers: STREAM_HEADERS })
})

const STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  // no-transform also keeps Next from compressing, and so from buffering, the stream.
  'cache-control': 'no-cache, no-store, no-transform',
  'x-accel-buffering': 'no',
  // Kept alive, the browser would come back on it while the server waits for its connections to end.
  connection: 'close',
}
