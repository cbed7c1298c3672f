/** What every page says of running mitigations: only what calls for a look. Pure. */
import type { Mitigation } from '../../core/mitigations/model.ts'
import { isLeaving } from './mitigation-end.ts'
import { ended, mitigationName, VERDICT_TEXT } from './mitigation-text.ts'

const READ_OUT_LENGTH = 120

/**
 * The one to be told first, with what is said of it, and how many more do harm, are nobody's or are drained; null where
 * all run calmly.
 */
export function bannerOf(
  running: Mitigation[],
): { first: Mitigation; state: string; others: number; harmful: boolean } | null {
  const told = running.filter((one) => isHarmful(one) || one.isAbandoned || isLeaving(one))
  const first = told.find(isHarmful) ?? told.find((one) => one.isAbandoned) ?? told[0]
  if (first === undefined) return null
  const harmful = isHarmful(first)
  const state = first.isAbandoned
    ? 'is carried out by nobody: its cache is not in cachescope.yaml any more'
    : harmful
      ? 'does harm and is being drained'
      : 'is being drained'
  return { first, state, others: told.length - 1, harmful }
}

function isHarmful({ proof, outcome }: Mitigation): boolean {
  return proof?.verdict === 'harmful' || outcome === 'harmful'
}

/** What is read out as its phase changes; empty where the banner says it. */
export function phaseNews(mitigation: Mitigation): string {
  const { phase, proof, outcome, actor, isMeasured } = mitigation
  if (phase !== 'off' && bannerOf([mitigation]) !== null) return ''
  const verdict = phase === 'active' ? (proof?.verdict ?? null) : null
  const active = isMeasured ? 'is done, and its effect is being measured' : 'is active'
  const state =
    phase === 'prepare' ? 'is being prepared' : phase === 'active' ? active : ended(outcome, actor)
  const proven = verdict === null ? '' : `: ${VERDICT_TEXT[verdict].toLowerCase()}`
  return `${mitigationName(mitigation).slice(0, READ_OUT_LENGTH)} ${state}${proven}.`
}

/** Those that are aimed at a key, by its address: for the marks on lists of keys. */
export function runningByKey(running: Mitigation[]): Map<string, Mitigation> {
  const byKey = new Map<string, Mitigation>()
  for (const mitigation of running) {
    const { target, cacheId } = mitigation
    if (target.kind === 'key') byKey.set(keyAddress({ cacheId, ...target }), mitigation)
  }
  return byKey
}

export function keyAddress(key: { cacheId: string; db: number; keyBase64: string }): string {
  return `${key.cacheId} ${key.db} ${key.keyBase64}`
}
