/** What a soak has found, in words and numbers. */
import { type ActionCounts, STALENESS_EDGES_MS, type Verdict } from './checker.ts'
import type { Plan } from './plan.ts'

export function describePlan(plan: Plan): string {
  const registers = plan.registers.map(({ name, type, writers, mitigations }) => {
    const steps = mitigations.map(({ how, afterMs, holdMs }) => `${how} +${afterMs} ms for ${holdMs} ms`)
    const what = steps.length === 0 ? 'no mitigation' : steps.join('; ')
    return `  ${name}: ${type}, ${writers === 1 ? 'one writer' : `${writers} writers`}: ${what}`
  })
  const faults = plan.faults.map(
    ({ name, afterMs, lastsMs, pick }) =>
      `  +${afterMs} ms ${name} for ${lastsMs} ms, pick ${pick.toFixed(2)}`,
  )
  return [`seed ${plan.seed}, ${plan.lengthMs / 1_000} s`, ...registers, 'faults:', ...faults].join('\n')
}

/** @returns one verdict of all, without the violations of the others' histories lost */
export function addVerdicts(verdicts: Verdict[]): Verdict {
  const sum: Verdict = {
    violations: verdicts.flatMap(({ violations }) => violations),
    writes: { acknowledged: 0, unknown: 0, lostByRedis: 0 },
    failures: 0,
    faults: {},
    actions: {},
  }
  for (const { writes, failures, faults, actions } of verdicts) {
    sum.writes.acknowledged += writes.acknowledged
    sum.writes.unknown += writes.unknown
    sum.writes.lostByRedis += writes.lostByRedis
    sum.failures += failures
    for (const [name, count] of Object.entries(faults)) sum.faults[name] = (sum.faults[name] ?? 0) + count
    for (const [name, counts] of Object.entries(actions)) {
      sum.actions[name] = addCounts(sum.actions[name], counts)
    }
  }
  return sum
}

function addCounts(sum: ActionCounts | undefined, more: ActionCounts): ActionCounts {
  if (sum === undefined) return { ...more, histogram: [...more.histogram] }
  return {
    reads: sum.reads + more.reads,
    stale: sum.stale + more.stale,
    maxStaleMs: Math.max(sum.maxStaleMs, more.maxStaleMs),
    histogram: sum.histogram.map((count, at) => count + (more.histogram[at] ?? 0)),
    excused: sum.excused + more.excused,
  }
}

const SHOWN_VIOLATIONS = 20

export function describeVerdict(verdict: Verdict): string {
  const { writes, failures, faults, violations } = verdict
  const names = [...STALENESS_EDGES_MS.map((edge) => (edge === 0 ? 'fresh' : `≤${edge} ms`)), 'older']
  const actions = Object.entries(verdict.actions).map(([name, counts]) => {
    const histogram = counts.histogram
      .map((count, at) => (count === 0 ? '' : `${names[at]} ${count}`))
      .filter((text) => text !== '')
    const excused =
      counts.excused === 0 ? '' : `, ${counts.excused} more or older only by what Redis itself lost`
    return `  ${name}: ${counts.reads} reads, ${counts.stale} stale, at most ${counts.maxStaleMs.toFixed(1)} ms: ${histogram.join(', ')}${excused}`
  })
  const broken = Object.entries(faults).map(([name, count]) => `${count} × ${name}`)
  return [
    `writes: ${writes.acknowledged} acknowledged, ${writes.unknown} answered by an error, ${writes.lostByRedis} acknowledged and lost by Redis' own replication`,
    `commands answered by an error: ${failures}`,
    `faults: ${broken.length === 0 ? 'none' : broken.join(', ')}`,
    'reads by what was in force:',
    ...actions,
    `violations: ${violations.length}`,
    ...violations.slice(0, SHOWN_VIOLATIONS).map(({ rule, key, message }) => `  ${rule}: ${key}: ${message}`),
    ...(violations.length > SHOWN_VIOLATIONS ? [`  and ${violations.length - SHOWN_VIOLATIONS} more`] : []),
  ].join('\n')
}
