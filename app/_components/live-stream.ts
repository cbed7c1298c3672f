/**
 * News of every tick, over one event stream for all visible tabs of a browser: it opens at most six connections to a
 * server, and a stream keeps one. The tab that holds the lock reads the stream and tells the others.
 */
const NAME = 'cachescope-live'
const RETRY_MS = 5000
/** The server sends a heartbeat at least every 15 s; without one the connection counts as lost. */
const SILENCE_MS = 30_000

/** `live`: told of every tick; `polling`: the stream is away, or its server cannot hear Postgres. */
export type StreamState = 'live' | 'polling'
type News = StreamState | 'tick' | 'alive'
type Listener = { onTick(): void; onState(state: StreamState): void }

/** Hears the news until the returned function is called. */
export function openLive({ onTick, onState }: Listener): () => void {
  let heardAt = Date.now()
  const hear = (news: News) => {
    heardAt = Date.now()
    if (news === 'tick') onTick()
    else if (news !== 'alive') onState(news)
  }
  // Browsers have no locks where the dashboard is reached over plain HTTP from another machine.
  if (navigator.locks === undefined) return openStream(hear)

  const ended = new AbortController()
  const channel = new BroadcastChannel(NAME)
  channel.onmessage = ({ data }: MessageEvent<News | 'join'>) => {
    if (data !== 'join') hear(data)
  }
  const lead = () => {
    if (ended.signal.aborted) return
    let state: StreamState | null = null
    const close = openStream((news) => {
      if (news === 'live' || news === 'polling') state = news
      hear(news)
      channel.postMessage(news)
    })
    channel.onmessage = ({ data }: MessageEvent<News | 'join'>) => {
      if (data === 'join' && state !== null) channel.postMessage(state)
    }
    return new Promise<void>((resolve) => {
      ended.signal.addEventListener('abort', () => {
        close()
        resolve()
      })
    })
  }
  navigator.locks.request(NAME, { signal: ended.signal }, lead).catch(() => {
    // Ended before it was this tab's turn.
  })
  channel.postMessage('join')
  const watchdog = setInterval(() => {
    if (Date.now() - heardAt > SILENCE_MS) onState('polling')
  }, RETRY_MS)
  return () => {
    clearInterval(watchdog)
    ended.abort()
    channel.close()
  }
}

/** One event stream; the browser reconnects it by itself, and where it gave up we try again. */
function openStream(onNews: (news: News) => void): () => void {
  let source: EventSource | null = null
  let heardAt = 0
  const open = () => {
    heardAt = Date.now()
    source = new EventSource('/api/live')
    const hear = (news: News) => {
      heardAt = Date.now()
      onNews(news)
    }
    source.onopen = () => hear('live')
    source.onmessage = (message) => hear(isTick(message.data) ? 'tick' : 'alive')
    source.addEventListener('heartbeat', () => hear('alive'))
    // The stream is fine but the server cannot hear Postgres: ask until it can.
    source.addEventListener('state', (message) => {
      hear(message.data === '{"connected":false}' ? 'polling' : 'live')
    })
    source.onerror = () => onNews('polling')
  }
  open()
  const watchdog = setInterval(() => {
    const lost = source?.readyState === EventSource.CLOSED || Date.now() - heardAt > SILENCE_MS
    if (!lost) return
    source?.close()
    onNews('polling')
    open()
  }, RETRY_MS)
  return () => {
    clearInterval(watchdog)
    source?.close()
  }
}

function isTick(data: unknown): boolean {
  try {
    const message: unknown = JSON.parse(String(data))
    return typeof message === 'object' && message !== null && 'cacheIds' in message
  } catch {
    return false
  }
}
