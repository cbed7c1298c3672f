/** The lines that lift what doctor found refused: for each user of each cache its own. Pure. */
import type { Exam } from './exam.ts'
import type { AclLines } from './report.ts'
import { aclLine, hasSelectors, hasUsers, isOwnUserOnly, type RightState, wholeAclLine } from './rights.ts'

type Examined = { cacheId: string; exam: Exam }

export function aclOf(all: readonly Examined[]): AclLines[] {
  const known = all.filter(({ exam }) => exam.failure === null && hasUsers(exam.info?.version ?? null))
  const groups = Map.groupBy(known, ({ cacheId, exam }) =>
    JSON.stringify([cacheId, exam.user, hasSelectors(exam.info?.version ?? null)]),
  )
  return [...groups.values()].flatMap((group) => linesOf(group))
}

function linesOf(group: readonly Examined[]): AclLines[] {
  const [first] = group
  if (first === undefined) return []
  const exams = group.map(({ exam }) => exam)
  const { user } = first.exam
  // In a roll-out: a line has to be understood by the oldest.
  const version = exams.map(({ info }) => info?.version ?? '').sort(byVersion)[0] ?? null
  const named = (state: RightState) => [
    ...new Set(
      exams.flatMap(({ rights }) => [...rights].flatMap(([name, is]) => (is === state ? [name] : []))),
    ),
  ]
  const isCluster = exams.some(({ info }) => info?.fields.get('cluster_enabled') === '1')
  const lost = named('refused')
  const ownUserOnly = lost.filter((name) => isOwnUserOnly(name, version))
  return [
    {
      ...{ cacheId: first.cacheId, addresses: exams.map(({ address }) => address), user, ownUserOnly },
      refused: aclLine(user, lost, version),
      unknown: aclLine(user, named('unknown'), version),
      whole: lost.length === 0 || ownUserOnly.length > 0 ? wholeAclLine(version, isCluster) : null,
    },
  ]
}

const byVersion = (one: string, other: string): number => one.localeCompare(other, 'en', { numeric: true })
