'use client'

import { usePathname, useRouter, useSearchParams } from 'next/navigation'
import { type PointerEvent, useRef, useState } from 'react'
import type { ChartEvent } from './chart-lines.ts'
import { sharedCursor } from './chart-state.ts'
import { INSET } from './plot.tsx'
import classes from './time-chart.module.css'

const MIN_DRAG_PX = 8
const MIN_ZOOM_MS = 10_000

/** Over the plot: the cursor that all charts share, marks for events, and dragging, which zooms the page. */
export function PlotOverlay({
  from,
  to,
  at,
  events,
}: {
  from: number
  to: number
  at: number[]
  events: ChartEvent[]
}) {
  const router = useRouter()
  const pathname = usePathname()
  const params = useSearchParams()
  const area = useRef<HTMLDivElement>(null)
  const [drag, setDrag] = useState<{ start: number; end: number } | null>(null)

  const shareAt = (event: PointerEvent) => {
    const box = area.current?.getBoundingClientRect()
    return box ? Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) : 0
  }
  const onMove = (event: PointerEvent) => {
    const share = shareAt(event)
    sharedCursor.set(nearest(at, from + share * (to - from)))
    if (drag !== null) setDrag({ ...drag, end: share })
  }
  const onDown = (event: PointerEvent) => {
    if (event.button !== 0 || event.pointerType !== 'mouse') return
    event.currentTarget.setPointerCapture(event.pointerId)
    setDrag({ start: shareAt(event), end: shareAt(event) })
  }
  const onUp = () => {
    if (drag === null) return
    setDrag(null)
    const width = area.current?.clientWidth ?? 0
    const [low, high] = [Math.min(drag.start, drag.end), Math.max(drag.start, drag.end)]
    if ((high - low) * width < MIN_DRAG_PX) return
    const start = Math.round(from + low * (to - from))
    const end = Math.max(Math.round(from + high * (to - from)), start + MIN_ZOOM_MS)
    const next = new URLSearchParams(params)
    next.delete('range')
    next.set('from', new Date(start).toISOString())
    next.set('to', new Date(end).toISOString())
    router.push(`${pathname}?${next}`, { scroll: false })
  }
  return (
    <div
      ref={area}
      className={classes.overlay}
      style={{ inset: `${INSET.top}px ${INSET.right}px ${INSET.bottom}px ${INSET.left}px` }}
      onPointerMove={onMove}
      onPointerLeave={() => sharedCursor.set(null)}
      onPointerDown={onDown}
      onPointerUp={onUp}
      onPointerCancel={() => setDrag(null)}
      aria-hidden="true"
    >
      {events
        .filter((event) => event.at >= from && event.at <= to)
        .map((event) => (
          <span
            key={`${event.at} ${event.label}`}
            className={classes.event}
            style={{ left: percent(event.at, from, to) }}
            title={event.label}
          />
        ))}
      <Cursor from={from} to={to} />
      {drag !== null && (
        <span
          className={classes.selection}
          style={{
            left: `${Math.min(drag.start, drag.end) * 100}%`,
            width: `${Math.abs(drag.end - drag.start) * 100}%`,
          }}
        />
      )}
    </div>
  )
}

function Cursor({ from, to }: { from: number; to: number }) {
  const cursor = sharedCursor.use()
  if (cursor === null || cursor < from || cursor > to) return null
  return <span className={classes.cursor} style={{ left: percent(cursor, from, to) }} />
}

function percent(at: number, from: number, to: number): string {
  return `${((at - from) / (to - from)) * 100}%`
}

/** The point of an evenly spaced axis that is closest. */
function nearest(at: number[], time: number): number | null {
  const first = at[0]
  const last = at.at(-1)
  if (first === undefined || last === undefined) return null
  if (at.length === 1) return first
  const index = Math.round(((time - first) / (last - first)) * (at.length - 1))
  return at[Math.min(at.length - 1, Math.max(0, index))] ?? null
}
