/**
 * Whether a mitigation worked, with the numbers that say so. What is compared is not before and after alone, as a key
 * cools and heats by itself: the demand is what the applications asked for, answered in process or not.
 */
import { isKeyAction } from './eligibility.ts'
import type { Measures, Proof, Verdict } from './measures.ts'
import { type Case, type Decision, unknown } from './proof-case.ts'
import { findHarm, findSlowness } from './proof-harm.ts'
import { judgeKeyAction } from './proof-key.ts'
import { judgeServerAction } from './proof-server.ts'

/**
 * @param after one window, or two: the second confirms the first or corrects it
 * @returns unknown while no window is there
 */
export function decide(
  options: Case & { after: readonly Measures[]; divergence: Proof['divergence'] },
): Decision {
  const { after, divergence, ...of } = options
  const decisions = after.map((window, index) => judge(of, window, after[index - 1] ?? null, divergence))
  const last = decisions.at(-1)
  const first = decisions[0]
  if (last === undefined || first === undefined) {
    return { verdict: 'unknown', because: 'No window after it has been measured.' }
  }
  if (decisions.length === 1) return last
  if (last.verdict === first.verdict) {
    return last.verdict === 'unknown' ? last : { ...last, because: `${last.because} Both windows agree.` }
  }
  if (last.verdict === 'unknown') {
    return { ...first, because: `${first.because} The second window could not tell: ${last.because}` }
  }
  if (first.verdict === 'unknown') return last
  return { ...last, because: `${last.because} The window before had said: ${WORDS[first.verdict]}.` }
}

const WORDS: Record<Verdict, string> = {
  worked: 'it worked',
  'no-effect': 'it has no effect',
  harmful: 'it does harm',
  unknown: 'it cannot be told',
}

function judge(
  of: Case,
  window: Measures,
  earlier: Measures | null,
  divergence: Proof['divergence'],
): Decision {
  const harm = findHarm(of, window, earlier, divergence)
  if (harm !== null) return { verdict: 'harmful', because: harm }
  if (window.incident) {
    return unknown(`${window.incident} What changed meanwhile cannot be told from what that changed.`)
  }
  const slowness = findSlowness(of.before, window)
  if (slowness !== null) return unknown(`${slowness} It does harm if the next window has it as well.`)
  return isKeyAction(of.action) ? judgeKeyAction(of, window) : judgeServerAction(of, window)
}
