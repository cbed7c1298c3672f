'use client'

import { useEffect, useState } from 'react'
import type { MitigationAction } from '../../../core/mitigations/model.ts'
import { adviseMitigation } from '../../_lib/mitigation-requests.ts'
import type { Subject } from '../../_lib/mitigation-subject.ts'

/** null while it is asked for. `because` without a recommendation: why none fits. */
export type DialogAdvice = {
  recommended: { action: MitigationAction; parameters: Record<string, unknown>; because: string } | null
  because: string | null
}
const NONE: DialogAdvice = { recommended: null, because: null }
/** Whoever opens the dialog has a fire to put out: after so long it goes on without. */
const PATIENCE_MS = 1_500
const LATE: DialogAdvice = {
  recommended: null,
  because: 'What was measured could not be read in time: the preview of each says what it would do.',
}

/** What fits the key best; other subjects have no advice. */
export function useAdvice(subject: Subject): DialogAdvice | null {
  const { cacheId, key } = subject
  const [advice, setAdvice] = useState<DialogAdvice | null>(key === undefined ? NONE : null)
  useEffect(() => {
    if (key === undefined) return
    const abort = new AbortController()
    // An answer that comes later is let go: it would move what is being read and filled in.
    const late = setTimeout(() => {
      abort.abort()
      setAdvice(LATE)
    }, PATIENCE_MS)
    const { db, keyBase64 } = key
    adviseMitigation({ cacheId, db, keyBase64 }, abort.signal).then(
      (answer) => {
        clearTimeout(late)
        if (!answer.ok) return setAdvice(NONE)
        const { action, parameters, because } = answer.value
        setAdvice({ recommended: action === null ? null : { action, parameters, because }, because })
      },
      () => {},
    )
    return () => {
      clearTimeout(late)
      abort.abort()
    }
  }, [cacheId, key])
  return advice
}
