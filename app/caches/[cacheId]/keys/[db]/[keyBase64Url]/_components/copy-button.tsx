'use client'

import { IconCheck, IconCopy } from '@tabler/icons-react'
import { useEffect, useState } from 'react'
import classes from './key-view.module.css'

const SHOWN_MS = 2_000

/** Copies `text`, exactly, and says whether it did. */
export function CopyButton({ text, label }: { text: string; label: string }) {
  const [outcome, setOutcome] = useState<'copied' | 'failed' | null>(null)
  useEffect(() => {
    if (outcome === null) return
    const timer = setTimeout(() => setOutcome(null), SHOWN_MS)
    return () => clearTimeout(timer)
  }, [outcome])
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text)
      setOutcome('copied')
    } catch {
      setOutcome('failed')
    }
  }
  const Icon = outcome === 'copied' ? IconCheck : IconCopy
  return (
    <button type="button" className={classes.copy} onClick={copy}>
      <Icon size={15} aria-hidden="true" />
      {label}
      <span role="status" className={outcome === null ? 'visually-hidden' : classes.outcome}>
        {outcome === 'copied' ? 'Copied' : outcome === 'failed' ? 'The browser did not allow it' : ''}
      </span>
    </button>
  )
}
