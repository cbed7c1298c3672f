/**
 * Kills collectors at the points of every case, takes them over, and has each checked half way and at the end.
 *
 * The points are those of a run without a kill. Nearly all of them are come to again, and the test fails where one is
 * not. Others are chance (CHANCE in mitigation-kill-points.ts): how often an action has its turn, or an application its
 * say, is not the same twice. Such a point has its kill where it is come to; where it is not, its run is one without a
 * kill. The test fails where fewer than SHARE_KILLED of all points had theirs, or none of a kind that is named `surely`.
 */
import { expect } from 'vitest'
import { type Group, runBatch, type Wanted } from './mitigation-kill-batch.ts'
import type { KillCase } from './mitigation-kill-case.ts'
import { isTaken } from './mitigation-kill-points.ts'

/** Of all points, those of chance as well. */
const SHARE_KILLED = 0.8
/** Mitigations of one process: each in a cache of its own, or a crowd of them in one. */
const ALONE = 14
const CROWD = 12
/** Processes of one test: more of them only wait for the cores. */
const AT_ONCE = 4

/** @param cases all with a first kill, or none */
export async function killEverywhere(cases: readonly KillCase[]): Promise<void> {
  const cleanOf = ({ name }: KillCase) => `${name}.clean`
  const { points } = await runBatch(cases.map((of) => [{ of, label: cleanOf(of), stopAt: null }]))
  const runs = new Map(cases.map((of) => [of, runsOf(of, points.get(cleanOf(of)) ?? [])]))
  const killed = new Set<string>()
  const left = batchesOf([...runs.values()].flatMap(groupsOf))
  const failures: string[] = []
  const work = async () => {
    for (let batch = left.shift(); batch !== undefined; batch = left.shift()) {
      try {
        for (const label of (await runBatch(batch)).killed) killed.add(label)
      } catch (error) {
        failures.push(error instanceof Error ? `${error.stack}` : String(error))
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  expect(failures.join('\n\n')).toBe('')
  for (const [of, own] of runs) checkKills(of, own, killed)
}

function runsOf(of: KillCase, points: readonly string[]): Wanted[] {
  const phase = of.first === undefined ? '' : of.first.isCalledOff ? 'draining' : 'active'
  return points
    .filter((point) => isTaken(point) && (of.hasShared || !point.startsWith('shared')))
    .filter((point) => point.startsWith(phase))
    .map((stopAt, index) => ({ of, label: `${of.name}.${index}`, stopAt }))
}

/** Of one case: who shares a cache. */
function groupsOf(runs: readonly Wanted[]): Group[] {
  const alone = runs.filter(({ of, stopAt }) => !of.isCrowd || stopAt?.startsWith('shared'))
  const crowd = runs.filter((run) => !alone.includes(run))
  const count = Math.ceil(crowd.length / CROWD)
  const size = Math.ceil(crowd.length / count)
  const crowds = Array.from({ length: count }, (_, at) => crowd.slice(at * size, (at + 1) * size))
  return [...crowds, ...alone.map((run) => [run])]
}

/** Who shares a process, neighbours together: they take about the same time. */
function batchesOf(groups: readonly Group[]): Group[][] {
  const batches: Group[][] = []
  for (const group of groups) {
    const last = batches.at(-1)
    if (last && last.flat().length + group.length <= ALONE) last.push(group)
    else batches.push([group])
  }
  return batches
}

function checkKills(of: KillCase, runs: readonly Wanted[], killed: ReadonlySet<string>): void {
  const missed = runs.filter(({ label }) => !killed.has(label)).map(({ stopAt }) => stopAt)
  const count = runs.length - missed.length
  expect(count, `Not come to of ${of.name}: ${missed.join('; ')}`).toBeGreaterThanOrEqual(
    Math.max(runs.length * SHARE_KILLED, of.atLeast ?? 6),
  )
  for (const point of of.surely ?? []) {
    const isKilled = runs.some(({ label, stopAt }) => killed.has(label) && point.test(stopAt ?? ''))
    expect(isKilled, `A kill of ${of.name} at ${point}`).toBe(true)
  }
}
