/** When each phase that is over began and ended, as its steps and the row tell. Pure. Epoch milliseconds. */
import type { MitigationDetail, MitigationPhase } from '../../../../core/mitigations/model.ts'

const ORDER: MitigationPhase[] = ['prepare', 'active', 'draining', 'off']

export function phaseSpans({
  createdAt,
  phase,
  phaseSince,
  steps,
}: Pick<MitigationDetail, 'createdAt' | 'phase' | 'phaseSince' | 'steps'>): Map<
  MitigationPhase,
  { from: number; to: number }
> {
  const began = new Map<MitigationPhase, number>([['prepare', Date.parse(createdAt)]])
  for (const step of steps) {
    const at = Date.parse(step.startedAt)
    if (!began.has(step.phase)) began.set(step.phase, at)
  }
  began.set(phase, Date.parse(phaseSince))
  const spans = new Map<MitigationPhase, { from: number; to: number }>()
  const entered = ORDER.filter((name) => began.has(name))
  for (const [index, name] of entered.entries()) {
    const from = began.get(name)
    const following = entered[index + 1]
    const to = following === undefined ? undefined : began.get(following)
    if (from !== undefined && to !== undefined) spans.set(name, { from, to: Math.max(from, to) })
  }
  return spans
}
