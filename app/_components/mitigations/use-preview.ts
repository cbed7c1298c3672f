'use client'

import { useEffect, useState } from 'react'
import type { Problem } from '../../../core/api/problem.ts'
import type { MitigationDraft, Preview } from '../../../core/mitigations/model.ts'
import { previewMitigation } from '../../_lib/mitigation-requests.ts'

const TYPING_MS = 250

export type PreviewState = {
  /** The last that was answered for this action: what is on the screen stays until there is a newer one. */
  preview: Preview | null
  problem: Problem | null
  /** Whether `preview` is of an older draft. */
  pending: boolean
}

/** The preview of the draft as it is being filled in; null while it is not complete. */
export function usePreview(draft: MitigationDraft | null): PreviewState {
  const text = draft === null ? null : JSON.stringify(draft)
  const [state, setState] = useState<PreviewState & { of: string | null }>({
    preview: null,
    problem: null,
    pending: true,
    of: null,
  })
  useEffect(() => {
    if (text === null) return
    const asked: MitigationDraft = JSON.parse(text)
    const abort = new AbortController()
    const timer = setTimeout(() => {
      previewMitigation(asked, abort.signal).then(
        (answer) =>
          setState((was) => ({
            preview: answer.ok ? answer.value : was.preview,
            problem: answer.ok ? null : answer.problem,
            pending: false,
            of: text,
          })),
        () => {},
      )
    }, TYPING_MS)
    return () => {
      clearTimeout(timer)
      abort.abort()
    }
  }, [text])
  const preview = state.preview !== null && state.preview.action === draft?.action ? state.preview : null
  if (text === null) return { preview: null, problem: null, pending: false }
  return { preview, problem: state.of === text ? state.problem : null, pending: state.of !== text }
}
