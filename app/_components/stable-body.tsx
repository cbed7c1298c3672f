'use client'

import { type ReactNode, useRef, useState } from 'react'

type BodyRow = { id: string; content: ReactNode }

/** A table body that does not re-sort under the pointer or the focus; new rows join at the end meanwhile. */
export function StableBody({ rows }: { rows: BodyRow[] }) {
  const [held, setHeld] = useState<string[] | null>(null)
  const body = useRef<HTMLTableSectionElement>(null)
  const hold = () => setHeld((was) => was ?? rows.map((row) => row.id))
  const release = () => {
    if (!body.current?.matches(':hover, :focus-within')) setHeld(null)
  }
  return (
    <tbody
      ref={body}
      onPointerEnter={hold}
      onPointerLeave={release}
      onFocus={hold}
      onBlur={() => requestAnimationFrame(release)}
    >
      {(held === null ? rows : inOrder(rows, held)).map((row) => row.content)}
    </tbody>
  )
}

function inOrder(rows: BodyRow[], order: string[]): BodyRow[] {
  const place = new Map(order.map((id, index) => [id, index]))
  return rows.toSorted((a, b) => (place.get(a.id) ?? order.length) - (place.get(b.id) ?? order.length))
}
