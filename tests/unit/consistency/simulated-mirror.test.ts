/** Mistakes planted in a mirror are found by the checker, and a mirror without one is not blamed. */
import { expect, test } from 'vitest'
import { checkHistory, type Rule } from '../../support/consistency/checker.ts'
import { MISTAKES, type Mistake, simulateMirror } from '../../support/consistency/simulated-mirror.ts'

const SEEDS = Array.from({ length: 20 }, (_, index) => index + 1)
const FOUND_AS: Record<Mistake, Rule[]> = {
  none: [],
  'never deletes': ['deleted-value-returned'],
  'renews what it has not compared': ['stale-read', 'deleted-value-returned'],
  'lives too long': ['stale-read', 'deleted-value-returned'],
  'reader fills': ['stale-read', 'deleted-value-returned'],
  'miss is an answer': ['stale-read'],
  'writes back': ['lost-write', 'deleted-value-returned'],
}

test.each(MISTAKES)('%s', (mistake) => {
  const found = SEEDS.map((seed) => {
    const { violations } = checkHistory(simulateMirror(mistake, seed), { toleranceMs: 0, settleMs: 6_000 })
    return new Set(violations.map(({ rule }) => rule))
  })
  const rules = FOUND_AS[mistake]
  const caught = found.filter((one) => rules.some((rule) => one.has(rule)))
  if (rules.length === 0) expect(found.flatMap((one) => [...one])).toEqual([])
  // Whether a mistake shows in one minute hangs on what is written in it.
  else expect(caught.length).toBeGreaterThanOrEqual(3)
})
