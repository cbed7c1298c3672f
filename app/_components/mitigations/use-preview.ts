'use client'

import { useEffect, useState } from 'react'
import type { MitigationDraft } from '../../../core/mitigations/model.ts'
import { previewMitigation } from '../../_lib/mitigation-requests.ts'
import { afterAnswer, NOTHING_ASKED, type PreviewState, stateOf } from '../../_lib/preview-state.ts'
import { useVisible } from '../use-visible.ts'

const TYPING_MS = 250
/** As often as hot keys are reported. */
const AGAIN_MS = 5_000
const PATIENCE_MS = 15_000

/** The preview of the draft as it is being filled in, asked for again while it is looked at; null while it is not complete. */
export function usePreview(draft: MitigationDraft | null): PreviewState {
  const text = draft === null ? null : JSON.stringify(draft)
  const visible = useVisible()
  const [answered, setAnswered] = useState(NOTHING_ASKED)
  useEffect(() => {
    if (text === null || !visible) return
    const asked: MitigationDraft = JSON.parse(text)
    const abort = new AbortController()
    const ask = async () => {
      const signal = AbortSignal.any([abort.signal, AbortSignal.timeout(PATIENCE_MS)])
      const answer = await previewMitigation(asked, signal)
      setAnswered((was) => afterAnswer(was, text, answer))
      timer = setTimeout(askOrEnd, AGAIN_MS)
    }
    // It throws only once it is called off.
    const askOrEnd = () => void ask().catch(() => {})
    let timer = setTimeout(askOrEnd, TYPING_MS)
    return () => {
      clearTimeout(timer)
      abort.abort()
    }
  }, [text, visible])
  return stateOf(answered, draft, text)
}
