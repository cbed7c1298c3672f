'use client'

import { useRouter } from 'next/navigation'
import {
  createContext,
  type ReactNode,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useState,
  useTransition,
} from 'react'
import { openLive } from './live-stream.ts'
import { useVisible } from './use-visible.ts'

/**
 * `connecting`: not yet; `live`: told of every tick; `polling`: asks by itself; `lost`: the dashboard's server does
 * not answer; `paused`: by the reader.
 */
export type LiveState = 'connecting' | 'live' | 'polling' | 'lost' | 'paused'
type Live = { state: LiveState; paused: boolean; toggle: () => void }

const REFRESH_MIN_MS = 2000
const POLL_MS = 5000
const STUCK_MS = 15_000

const LiveContext = createContext<Live>({ state: 'connecting', paused: false, toggle: () => {} })
export const useLive = () => useContext(LiveContext)

/** Re-renders the page from the server when a collector has written, at most every 2 s and only while it is seen. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const router = useRouter()
  const [paused, setPaused] = useState(false)
  const visible = useVisible()
  const [connection, setConnection] = useState<Exclude<LiveState, 'paused'>>('connecting')
  const [refreshing, startRefresh] = useTransition()
  const refreshedAt = useRef(0)
  const inFlight = useRef(false)
  const missed = useRef(false)
  const pending = useRef<ReturnType<typeof setTimeout> | null>(null)
  const wasAway = useRef(false)
  const away = paused || !visible

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

  // Next leaves the page when a refresh finds no server: ask first, and keep what is on the screen.
  const askAndRefresh = useCallback(() => {
    fetch('/api/live', { method: 'HEAD', cache: 'no-store' }).then(
      () => {
        setConnection((was) => (was === 'lost' ? 'polling' : was))
        refreshSoon()
      },
      () => setConnection('lost'),
    )
  }, [refreshSoon])

  useEffect(() => {
    inFlight.current = refreshing
    if (!refreshing && missed.current && !away) refreshSoon()
  }, [refreshing, away, refreshSoon])

  useEffect(() => {
    if (away) {
      wasAway.current = true
      return
    }
    if (wasAway.current) askAndRefresh()
    wasAway.current = false
    const disconnect = openLive({
      onTick: refreshSoon,
      // Whether the server is there at all, only asking tells.
      onState: (next) => setConnection((was) => (next === 'polling' && was === 'lost' ? was : next)),
    })
    return () => {
      disconnect()
      if (pending.current !== null) clearTimeout(pending.current)
      pending.current = null
    }
  }, [away, refreshSoon, askAndRefresh])

  useEffect(() => {
    if (away || connection === 'live') return
    if (pending.current !== null) clearTimeout(pending.current)
    pending.current = null
    const timer = setInterval(askAndRefresh, POLL_MS)
    return () => clearInterval(timer)
  }, [away, connection, askAndRefresh])

  const value = useMemo<Live>(
    () => ({ state: paused ? 'paused' : connection, paused, toggle: () => setPaused((was) => !was) }),
    [paused, connection],
  )
  return <LiveContext value={value}>{children}</LiveContext>
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
