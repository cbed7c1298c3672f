import type { ReactNode } from 'react'
import type { Problem } from '../../../core/api/problem.ts'
import type { MitigationRequest, Preview } from '../../../core/mitigations/model.ts'
import { NearTime } from '../clock.tsx'
import { Notice } from '../notice.tsx'
import { MitigationLink } from './mitigation-link.tsx'

/** What stands between the form and its mitigation: a field that is not filled, or what the server said. */
export type FormProblem =
  | { kind: 'missing'; field: string; message: string }
  | { kind: 'said'; problem: Problem }

/** The first thing that is missing, as the form reads from top to bottom; null where it may be sent. */
export function missingFields(form: {
  request: MitigationRequest
  complete: boolean
  /** What is to be typed; null where nothing is. */
  toType: string | null
  typed: string
  preview: Preview | null
  overrides: string[]
}): { field: string; message: string } | null {
  const { request, complete, toType, typed, preview, overrides } = form
  if (!complete) return { field: 'parameters', message: 'Fill in what to do first.' }
  const open = preview?.refusals.find(({ id, overridable }) => overridable && !overrides.includes(id))
  if (open !== undefined) {
    return { field: 'overrides', message: `Take this on first, or leave it: ${open.message}` }
  }
  if (request.actor.trim() === '') return { field: 'actor', message: 'Say who you are.' }
  if (request.reason.trim() === '') return { field: 'reason', message: 'Say why.' }
  if (toType !== null && typed.trim() !== toType) {
    return { field: 'confirm', message: `Type ${toType} to confirm.` }
  }
  return null
}

/** By field, without what stands before its name: `ttlSeconds`, `actor`. */
export function fieldErrors(problem: FormProblem | null, preview: Problem | null): Record<string, string> {
  const errors: Record<string, string> = {}
  const said = problem?.kind === 'said' ? problem.problem.errors : preview?.errors
  for (const { field, message } of said ?? []) errors[field.replace(/^parameters\./, '')] = message
  if (problem?.kind === 'missing') errors[problem.field] = problem.message
  return errors
}

const OWN_WORDS = new Set(['actor', 'reason'])

const UTC = /(\d{4}-\d\d-\d\dT[\d:.]+Z)/

/** The server says times as UTC: here they are the reader's. */
function withTimes(detail: string): ReactNode[] {
  return detail.split(UTC).map((part, index) =>
    // biome-ignore lint/suspicious/noArrayIndexKey: the same time may be said twice, in this order
    index % 2 === 1 ? <NearTime key={index} at={part} /> : part,
  )
}

export function ProblemText({ problem }: { problem: FormProblem | null }) {
  if (problem === null) return null
  if (problem.kind === 'missing') {
    // A field that can say it itself does.
    return OWN_WORDS.has(problem.field) ? null : (
      <Notice tone="warn" role="alert">
        {problem.message}
      </Notice>
    )
  }
  const { detail, mitigationId } = problem.problem
  return (
    <Notice tone={mitigationId === undefined ? 'harm' : 'warn'} role="alert">
      {withTimes(detail)}
      {mitigationId !== undefined && (
        <>
          {' '}
          <MitigationLink mitigationId={mitigationId} />
        </>
      )}
    </Notice>
  )
}
