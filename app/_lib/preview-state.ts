/** What is on the screen of the previews that were asked for, one after the other. Pure. */
import type { Problem } from '../../core/api/problem.ts'
import type { MitigationDraft, Preview } from '../../core/mitigations/model.ts'
import type { Answered } from './mitigation-requests.ts'

/** `of`: the draft that was answered last, as text; `previewOf`: the one that `preview` is of. */
type LastAnswers = {
  preview: Preview | null
  previewOf: string | null
  problem: Problem | null
  of: string | null
}
export const NOTHING_ASKED: LastAnswers = { preview: null, previewOf: null, problem: null, of: null }

export function afterAnswer(was: LastAnswers, of: string, answer: Answered<Preview>): LastAnswers {
  if (answer.ok) return { preview: answer.value, previewOf: of, problem: null, of }
  const { problem } = answer
  // What was answered for this draft still stands, and shows its age: one lost answer is to move nothing.
  if (was.problem === null && was.previewOf === of && problem.status >= 500) return was
  return { ...was, problem, of }
}

export type PreviewState = {
  /** The last that was answered for this action: what is on the screen stays until there is a newer one. */
  preview: Preview | null
  /** The draft that `preview` is of, as text. */
  previewOf: string | null
  problem: Problem | null
  /** Whether `preview` is of an older draft. */
  pending: boolean
}

export function stateOf(
  answers: LastAnswers,
  draft: Pick<MitigationDraft, 'action'> | null,
  text: string | null,
): PreviewState {
  if (text === null) return { preview: null, previewOf: null, problem: null, pending: false }
  const { of, problem, ...last } = answers
  const shown = last.preview?.action === draft?.action ? last : { preview: null, previewOf: null }
  return { ...shown, problem: of === text ? problem : null, pending: of !== text }
}
