/** The effect of an action on the servers, by the figure that it aims at. */
import type { Measures } from './measures.ts'
import type { ServerAction } from './model.ts'
import { type Case, type Decision, totalOps, unknown } from './proof-case.ts'
import { LOAD_MOVED_SHARE, SERVER_EFFECT_SHARE, WORKED_SHARE } from './proof-limits.ts'
import { judgeDeniedUser, judgeKilledClient, judgePausedWrites } from './proof-observed.ts'
import { percent, perSecond, times } from './words.ts'

type Figure = { name: string; of: (window: Measures) => number | null; show: (value: number) => string }

const SKEW: Figure = {
  name: 'Hottest shard over mean',
  of: (window) => window.hottestOverMean,
  show: times,
}
/** Of what was looked up: an hour that is busier has more misses and is no failure. */
const MISSES: Figure = {
  name: 'Misses of all lookups',
  of: ({ hitRate }) => (hitRate === null ? null : 1 - hitRate),
  show: percent,
}
const CPU: Figure = { name: 'CPU of the primary', of: (window) => window.cpuShare, show: percent }

const JUDGES: Record<ServerAction, (of: Case, window: Measures) => Decision> = {
  failover: judgeFailover,
  'move-slot': (of, window) => judgeFigure(SKEW, of, window),
  'spread-ttls': (of, window) => judgeFigure(MISSES, of, window),
  'set-config': (of, window) => judgeFigure(MISSES, of, window),
  'kill-client': (of, window) => judgeKilledClient(of, window, judgeCpu),
  'deny-user': judgeDeniedUser,
  'pause-writes': judgePausedWrites,
}

export function judgeServerAction(of: Case, window: Measures): Decision {
  const judge = Object.entries(JUDGES).find(([action]) => action === of.action)?.[1]
  return judge?.(of, window) ?? unknown('No figure tells of it.')
}

function judgeCpu(of: Case, window: Measures): Decision {
  const decision = judgeFigure(CPU, of, window)
  const moved = movedLoad(of, window)
  return moved === null ? decision : unknown(`${decision.because} ${moved}`)
}

/** Less of it is better. */
function judgeFigure(figure: Figure, of: Case, window: Measures): Decision {
  const before = of.before === null ? null : figure.of(of.before)
  const after = figure.of(window)
  if (before === null || after === null || before <= 0) {
    return unknown('The figure that it aims at was not measured before and after.')
  }
  const because = `${figure.name}: ${figure.show(after)} instead of ${figure.show(before)}.`
  const predicted = of.preview?.hottestOverMeanAfter ?? null
  const worked =
    figure === SKEW && predicted !== null && predicted < before
      ? before - after >= (before - predicted) * WORKED_SHARE
      : after <= before * (1 - SERVER_EFFECT_SHARE)
  if (worked) return { verdict: 'worked', because }
  // Keys that were to expire together do so later: a minute says little.
  return of.action === 'spread-ttls'
    ? unknown(`${because} What it spares the origin shows when the keys expire.`)
    : { verdict: 'no-effect', because }
}

/** Less work of the same load is its effect; of another load, who knows whose. @returns null where the load stayed */
function movedLoad(of: Case, window: Measures): string | null {
  const before = of.before === null ? null : totalOps(of.before)
  const now = totalOps(window)
  if (before === null || now === null) return 'How many commands all shards answered is not known.'
  if (Math.abs(now - before) <= before * LOAD_MOVED_SHARE) return null
  return `All shards answer ${perSecond(now)} commands instead of ${perSecond(before)}: by this or by itself, which cannot be told apart.`
}

function judgeFailover(of: Case, window: Measures): Decision {
  const wasIdle = (shardId: number) =>
    of.before?.shards.some((shard) => shard.shardId === shardId && shard.opsPerSec === 0) === true
  const asked = window.shards.filter(({ shardId, opsPerSec }) => opsPerSec !== 0 || !wasIdle(shardId))
  const silent = asked.filter((shard) => shard.opsPerSec === null || shard.opsPerSec <= 0)
  if (silent.length > 0) {
    const which = silent.map((shard) => shard.ordinal).join(', ')
    return {
      verdict: 'no-effect',
      because: `Of ${window.shards.length} shards ${silent.length} answer no commands (${which}).`,
    }
  }
  const now = totalOps(window)
  if (asked.length === 0 || now === null) {
    return unknown('No shard was asked for anything, neither before nor after.')
  }
  const idle = window.shards.length - asked.length
  const before = of.before === null ? null : totalOps(of.before)
  return {
    verdict: 'worked',
    because: `All ${asked.length} shards answer commands${idle === 0 ? '' : ` that are asked for any (${idle} were idle before too)`}, ${perSecond(now)} together${before === null ? '' : ` (before: ${perSecond(before)})`}.`,
  }
}
