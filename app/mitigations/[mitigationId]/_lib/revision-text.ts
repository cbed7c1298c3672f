import type { Mitigation, MitigationRevision } from '../../../../core/mitigations/model.ts'

type Change = Pick<MitigationRevision, 'desired' | 'expiresAt'>

/** What a person did with it; `before`: the revision before, undefined of the first. */
export function revisionText(
  change: Change,
  before: Change | undefined,
  { isMeasured, outcome }: Pick<Mitigation, 'isMeasured' | 'outcome'>,
): string {
  if (before === undefined) return 'asked for it'
  if (change.desired === 'off') return isMeasured || outcome === 'done' ? 'ended its measuring' : 'drained it'
  return Date.parse(change.expiresAt) < Date.parse(before.expiresAt) ? 'let it end earlier' : 'extended it'
}
