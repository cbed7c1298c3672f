'use client'

import { createContext, type ReactNode, useContext, useEffect, useState, useSyncExternalStore } from 'react'
import { formatAge } from '../_lib/format.ts'

const ClockContext = createContext(0)

/**
 * The server's clock in the browser: starts at the time the page was rendered, so the first paint matches, then
 * ticks every second, right even where the browser's own clock is wrong.
 */
export function ClockProvider({ now, children }: { now: number; children: ReactNode }) {
  const [time, setTime] = useState(now)
  useEffect(() => {
    const offset = now - Date.now()
    const tick = () => setTime(Date.now() + offset)
    const timer = setInterval(tick, 1000)
    setTime(now)
    return () => clearInterval(timer)
  }, [now])
  return <ClockContext value={time}>{children}</ClockContext>
}

/** The server's time in epoch milliseconds; ticks every second. */
export function useNow(): number {
  return useContext(ClockContext)
}

/** How old a figure is, in words. `staleAfterMs`: shown only from that age on (two ticks of the cache). */
export function Age({
  at,
  staleAfterMs = 0,
  prefix = '',
  suffix = ' ago',
}: {
  at: string | number
  staleAfterMs?: number
  prefix?: string
  suffix?: string
}) {
  const now = useNow()
  const ageMs = now - new Date(at).getTime()
  // Below zero: a figure that came after this clock last ticked, of a collector whose clock is ahead.
  if (staleAfterMs > 0 && ageMs < staleAfterMs) return null
  const text = formatAge(ageMs)
  return (
    <time dateTime={new Date(at).toISOString()} title={utc(at)} suppressHydrationWarning>
      {text === 'now' ? `${prefix}now` : `${prefix}${text}${suffix}`}
    </time>
  )
}

/** How long until then, in words: `in 42 min`. */
export function Until({ at }: { at: string }) {
  const left = Date.parse(at) - useNow()
  return (
    <time dateTime={at} title={utc(at)} suppressHydrationWarning>
      {left <= 0 ? 'now' : `in ${formatAge(left)}`}
    </time>
  )
}

const never = () => () => {}
/** False on the server and in the first paint, then true: for what only the browser knows, like its time zone. */
export function useInBrowser(): boolean {
  return useSyncExternalStore(
    never,
    () => true,
    () => false,
  )
}

/** A moment in the reader's time zone, UTC on hover. `show`: 'time' leaves the date out. */
export function Time({ at, show = 'both' }: { at: string | number; show?: 'both' | 'time' }) {
  const local = useInBrowser()
  return (
    <time dateTime={new Date(at).toISOString()} title={utc(at)}>
      {local ? formatLocal(new Date(at), show) : utc(at)}
    </time>
  )
}

/** The same where it is mostly today: the date only of another day. */
export function NearTime({ at }: { at: string | number }) {
  const now = useNow()
  return <Time at={at} show={isSameDay(new Date(at), new Date(now)) ? 'time' : 'both'} />
}

/** In the reader's time zone. */
export function isSameDay(one: Date, other: Date): boolean {
  return one.toDateString() === other.toDateString()
}

function formatLocal(date: Date, show: 'both' | 'time'): string {
  const two = (value: number) => String(value).padStart(2, '0')
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
  if (show === 'time') return time
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${time}`
}

function utc(at: string | number): string {
  return `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}
