'use client'

import { useRouter } from 'next/navigation'
import {
  createContext,
  type Dispatch,
  type ReactNode,
  type SetStateAction,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useState,
  useTransition,
} from 'react'

/**
 * `connecting`: not yet; `live`: told of every tick; `polling`: asks by itself; `lost`: the dashboard's server does
 * not answer; `paused`: by the reader.
 */
export type LiveState = 'connecting' | 'live' | 'polling' | 'lost' | 'paused'
type Live = { state: LiveState; paused: boolean; toggle: () => void }

const REFRESH_MIN_MS = 2000
const POLL_MS = 5000
const STUCK_MS = 15_000
/** The server sends a heartbeat at least this often; without one the connection counts as lost. */
const SILENCE_MS = 30_000

const LiveContext = createContext<Live>({ state: 'connecting', paused: false, toggle: () => {} })
export const useLive = () => useContext(LiveContext)

/** Re-renders the page from the server when a collector has written, at most every 2 s and only while it is seen. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const router = useRouter()
  const [paused, setPaused] = useState(false)
  const [connection, setConnection] = useState<Exclude<LiveState, 'paused'>>('connecting')
  const [refreshing, startRefresh] = useTransition()
  const refreshedAt = useRef(0)
  const inFlight = useRef(false)
  const missed = useRef(false)
  const pending = useRef<ReturnType<typeof setTimeout> | null>(null)

  const refreshSoon = useCallback(() => {
    if (pending.current !== null || document.visibilityState === 'hidden') return
    // On a slow server the next answer is asked for when the last has come, not beside it.
    const busy = inFlight.current && Date.now() - refreshedAt.current < STUCK_MS
    missed.current = busy
    if (busy) return
    const wait = Math.max(0, refreshedAt.current + REFRESH_MIN_MS - Date.now())
    pending.current = setTimeout(() => {
      pending.current = null
      refreshedAt.current = Date.now()
      inFlight.current = true
      startRefresh(() => router.refresh())
    }, wait)
  }, [router])

  useEffect(() => {
    inFlight.current = refreshing
    if (!refreshing && missed.current && !paused) refreshSoon()
  }, [refreshing, paused, refreshSoon])

  useEffect(() => {
    if (paused) return
    const disconnect = connect(refreshSoon, setConnection)
    const onVisible = () => {
      if (document.visibilityState === 'visible') refreshSoon()
    }
    document.addEventListener('visibilitychange', onVisible)
    return () => {
      document.removeEventListener('visibilitychange', onVisible)
      disconnect()
      if (pending.current !== null) clearTimeout(pending.current)
      pending.current = null
    }
  }, [paused, refreshSoon])

  useEffect(() => {
    if (paused || connection === 'live') return
    if (pending.current !== null) clearTimeout(pending.current)
    pending.current = null
    // Next leaves the page when a refresh finds no server: ask first, and keep what is on the screen.
    const timer = setInterval(() => {
      fetch('/api/live', { method: 'HEAD', cache: 'no-store' }).then(
        () => {
          setConnection((was) => (was === 'lost' ? 'polling' : was))
          refreshSoon()
        },
        () => setConnection('lost'),
      )
    }, POLL_MS)
    return () => clearInterval(timer)
  }, [paused, connection, refreshSoon])

  const value = useMemo<Live>(
    () => ({ state: paused ? 'paused' : connection, paused, toggle: () => setPaused((was) => !was) }),
    [paused, connection],
  )
  return <LiveContext value={value}>{children}</LiveContext>
}

/** One event stream; the browser reconnects it by itself, and where it gave up we try again. */
function connect(
  onMessage: () => void,
  onState: Dispatch<SetStateAction<Exclude<LiveState, 'paused'>>>,
): () => void {
  let source: EventSource | null = null
  let heardAt = 0
  const open = () => {
    heardAt = Date.now()
    source = new EventSource('/api/live')
    source.onopen = () => {
      heardAt = Date.now()
      onState('live')
    }
    source.onmessage = (message) => {
      heardAt = Date.now()
      if (isTick(message.data)) onMessage()
    }
    source.addEventListener('heartbeat', () => {
      heardAt = Date.now()
    })
    // The stream is fine but the server cannot hear Postgres: ask until it can.
    source.addEventListener('state', (message) => {
      onState(message.data === '{"connected":false}' ? 'polling' : 'live')
    })
    source.onerror = () => onState((was) => (was === 'lost' ? was : 'polling'))
  }
  open()
  const watchdog = setInterval(() => {
    const lost = source?.readyState === EventSource.CLOSED || Date.now() - heardAt > SILENCE_MS
    if (!lost) return
    source?.close()
    onState((was) => (was === 'lost' ? was : 'polling'))
    open()
  }, POLL_MS)
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

/** Asks the server again at a steady pace, whatever the stream says: for a page that waits for the database. */
export function RefreshEvery({ ms }: { ms: number }) {
  const router = useRouter()
  useEffect(() => {
    const refresh = () =>
      fetch('/api/live', { method: 'HEAD', cache: 'no-store' }).then(
        () => router.refresh(),
        () => {},
      )
    const timer = setInterval(refresh, ms)
    return () => clearInterval(timer)
  }, [router, ms])
  return null
}
