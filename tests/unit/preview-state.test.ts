import { describe, expect, test } from 'vitest'
import { afterAnswer, NOTHING_ASKED, stateOf } from '../../app/_lib/preview-state.ts'
import { problem } from '../../core/api/problem.ts'
import { previewMitigation } from '../../core/mitigations/preview.ts'
import { keyDraft, mitigationFacts, NOW } from '../support/mitigation-facts.ts'

const split = keyDraft('split')
const preview = previewMitigation(mitigationFacts(), split, NOW)
const newer = { ...preview, summary: 'as it is by now' }
const answer = (value = preview) => ({ ok: true as const, value, status: 200 })
const lost = { ok: false as const, problem: problem('internal', 503, 'No answer.') }
const wrong = { ok: false as const, problem: problem('not-found', 404, 'The shard is gone.') }

const answered = afterAnswer(NOTHING_ASKED, 'split', answer())

describe('a draft that is asked for again', () => {
  test('shows the newest answer, and may be sent all the while', () => {
    const again = afterAnswer(answered, 'split', answer(newer))
    expect(stateOf(answered, split, 'split')).toMatchObject({ preview, problem: null, pending: false })
    expect(stateOf(again, split, 'split')).toMatchObject({ preview: newer, problem: null, pending: false })
  })
  test('keeps what stands there where one answer is lost', () => {
    expect(afterAnswer(answered, 'split', lost)).toBe(answered)
  })
  test('says what the server says of it now', () => {
    const told = stateOf(afterAnswer(answered, 'split', wrong), split, 'split')
    expect(told).toMatchObject({ preview, problem: wrong.problem })
  })
})

describe('a draft without an answer', () => {
  const other = 'split, other variants'
  test('is pending, and what is of the one before stays', () => {
    expect(stateOf(answered, split, other)).toMatchObject({ preview, previewOf: 'split', pending: true })
  })
  test('says what went wrong until it is answered', () => {
    const failed = afterAnswer(answered, other, lost)
    expect(stateOf(failed, split, other)).toEqual({
      preview,
      previewOf: 'split',
      problem: lost.problem,
      pending: false,
    })
    const mended = afterAnswer(afterAnswer(failed, other, lost), other, answer(newer))
    expect(stateOf(mended, split, other)).toEqual({
      preview: newer,
      previewOf: other,
      problem: null,
      pending: false,
    })
  })
  test('shows nothing of another action, and nothing while it is not filled in', () => {
    const nothing = { preview: null, previewOf: null, problem: null }
    expect(stateOf(answered, keyDraft('replicate'), other)).toEqual({ ...nothing, pending: true })
    expect(stateOf(answered, null, null)).toEqual({ ...nothing, pending: false })
  })
})
