/** The sentence that opens the list of mitigations: harm first, then what drains, what runs, what was last. Pure. */
import type { Mitigation } from '../../../core/mitigations/model.ts'
import { plural } from '../../_lib/format.ts'
import { bannerOf } from '../../_lib/mitigation-news.ts'
import { mitigationName, type Tone, VERDICT_TEXT } from '../../_lib/mitigation-text.ts'

/** @param past the newest first; null where only older ones are known */
export function mitigationsAnswer(
  running: Mitigation[],
  past: Mitigation[] | null,
  cacheId: string | null,
): { text: string; tone: Tone } {
  const where = cacheId === null ? '' : ` in ${cacheId}`
  const count = `${plural(running.length, 'mitigation')} ${running.length === 1 ? 'runs' : 'run'}${where}`
  const news = bannerOf(running)
  if (news !== null) {
    const { first, state, harmful } = news
    return {
      text: `${count}; ${lowerFirst(mitigationName(first))} ${state}`,
      tone: harmful ? 'harm' : 'warn',
    }
  }
  if (running.length > 0) {
    const worked = running.filter(({ proof }) => proof?.verdict === 'worked').length
    const open = running.filter(({ proof }) => (proof?.verdict ?? null) === null).length
    const parts = [
      ...(worked > 0 ? [`${worked} worked`] : []),
      ...(open > 0 ? [`${open} without a verdict yet`] : []),
    ]
    return { text: parts.length === 0 ? count : `${count}: ${parts.join(', ')}`, tone: 'calm' }
  }
  if (past === null) return { text: `Nothing is mitigated now${where}`, tone: 'calm' }
  const last = past[0]
  if (last === undefined) return { text: `Nothing was mitigated${where} yet`, tone: 'calm' }
  const verdict = last.proof?.verdict ?? null
  const said = verdict === null ? '' : ` (${VERDICT_TEXT[verdict].toLowerCase()})`
  return {
    text: `Nothing is mitigated now${where}; the last was ${lowerFirst(mitigationName(last))}${said}`,
    tone: 'calm',
  }
}

const lowerFirst = (text: string) => `${text.charAt(0).toLowerCase()}${text.slice(1)}`
