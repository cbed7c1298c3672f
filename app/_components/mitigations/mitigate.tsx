'use client'

import { usePathname } from 'next/navigation'
import { createContext, type ReactNode, useCallback, useContext, useMemo, useRef, useState } from 'react'
import type { Cache } from '../../../core/model.ts'
import type { Opening } from '../../_lib/mitigation-form.ts'
import { focusHeading } from '../page-heading.ts'
import { Dialog } from './dialog.tsx'
import classes from './mitigate.module.css'
import { MitigationForm } from './mitigation-form.tsx'

const OpenContext = createContext<(opening: Opening) => void>(() => {})
/** Opens the dialog of mitigations. */
export const useMitigate = () => useContext(OpenContext)

/** The one dialog of the app: a page has many buttons that open it. */
export function MitigateProvider({
  caches,
  children,
}: {
  caches: Pick<Cache, 'cacheId' | 'kind'>[]
  children: ReactNode
}) {
  const [opening, setOpening] = useState<Opening | null>(null)
  const [opened, setOpened] = useState(false)
  // Each opening is a form of its own, whatever was typed into the last one.
  const [count, setCount] = useState(0)
  const opener = useRef<Element>(null)
  const open = useCallback((next: Opening) => {
    opener.current = document.activeElement
    setOpening(next)
    setOpened(true)
    setCount((was) => was + 1)
  }, [])
  const close = useCallback(() => {
    setOpened(false)
    // It gets the focus back, but for where it has gone meanwhile: what runs on a key is not asked for again.
    if (!opener.current?.isConnected) focusHeading()
  }, [])
  // Whoever goes on to another page, as to the mitigation that is in the way, has left the form.
  const pathname = usePathname()
  const [openedAt, setOpenedAt] = useState(pathname)
  if (openedAt !== pathname) {
    setOpenedAt(pathname)
    setOpened(false)
  }
  const cacheId = opening?.subject.cacheId
  const cacheKind = caches.find((cache) => cache.cacheId === cacheId)?.kind ?? null
  const label = opening?.subject.label ?? ''
  const title = useMemo(
    () => (
      <>
        {opening?.subject.key === undefined ? 'Act on ' : 'Mitigate '}
        <code className={classes.subject}>{label === '' ? '(empty name)' : label}</code>
      </>
    ),
    [opening, label],
  )
  return (
    <OpenContext value={open}>
      {children}
      <Dialog opened={opened} title={title} size={1060} onClose={close}>
        {opening !== null && (
          <MitigationForm key={count} opening={opening} cacheKind={cacheKind} onClose={close} />
        )}
      </Dialog>
    </OpenContext>
  )
}
