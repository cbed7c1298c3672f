/** The effect of an action on a key: how much of what was predicted came true, of the demand there is now. */
import { demandOf, growthOf, movableOf, servedOf } from './demand.ts'
import type { Measures, ShardLoad } from './measures.ts'
import { PARAMETERS } from './parameters.ts'
import { hottestOverMean, renewalsPerSec } from './predict.ts'
import { type Case, type Decision, unknown } from './proof-case.ts'
import {
  EVEN_MAX_OVER_MEAN,
  FADED_SHARE,
  MIN_DEMAND_PER_SEC,
  UNFADED_SHARE,
  WORKED_SHARE,
} from './proof-limits.ts'
import { percent, perSecond, times } from './words.ts'

/** A prediction that changes less than this of the demand, or of hottest over mean, cannot be told from chance. */
const MIN_PREDICTED = { shareOfDemand: 0.2, hottestOverMean: 0.1 }

export function judgeKeyAction(of: Case, window: Measures): Decision {
  const demand = demandOf(window)
  if (demand === null) {
    return unknown(
      'Neither the servers nor the applications told how often the key was asked for in this window.',
    )
  }
  const growth = growthOf(of.before, window)
  if (demand < MIN_DEMAND_PER_SEC || (growth !== null && growth < FADED_SHARE)) {
    const then = of.before === null ? null : demandOf(of.before)
    return unknown(
      `The key cooled by itself: it is asked for ${perSecond(demand)}${then === null ? '' : ` instead of ${perSecond(then)}`}, which proves nothing.`,
    )
  }
  if (of.action === 'local-cache') return judgeLocal(of, window, demand)
  const places = placesOf(of, window)
  return places.length > 1
    ? judgeCopies(of, window, { demand, places, growth })
    : judgeReplicas(of, window, demand)
}

/** The shards of the names; the preview's where the window does not tell: it may have been prepared with others. */
function placesOf(of: Case, window: Measures): (number | undefined)[] {
  const measured = window.nameShardIds?.map((shardId) => shardId ?? undefined)
  return measured ?? of.preview?.variants?.map(({ shardId }) => shardId) ?? []
}

function judgeLocal(of: Case, window: Measures, demand: number): Decision {
  const served = servedOf(window)
  if (served === null)
    return unknown('Neither the servers nor the applications told what still reaches the servers.')
  const expected = expectedLocal(of, window, demand)
  const asked = `The servers are asked for the key ${perSecond(served)} of the ${perSecond(demand)} that the applications ask for${beforeWords(of)}`
  if (expected === null)
    return unknown(`${asked}, but how many processes take part is not known, so nothing can be expected.`)
  const left = `${window.instances === null ? 'the processes' : `${window.instances} processes`} should leave about ${perSecond(expected)}${othersOf(window, demand)}`
  if (demand - expected < demand * MIN_PREDICTED.shareOfDemand) {
    return unknown(
      `${asked}, and ${left}: so many processes renew it about as often as it is asked for. A longer time to live would help.`,
    )
  }
  const share = (demand - served) / (demand - expected)
  return byShare(share, `${asked}; ${left}`)
}

/** What the processes still ask for to renew what they hold, and all that others read and everybody writes. */
function expectedLocal(of: Case, window: Measures, demand: number): number | null {
  const parameters = PARAMETERS['local-cache'].safeParse(of.parameters)
  const renewals =
    window.instances === null || window.instances === 0 || !parameters.success
      ? null
      : renewalsPerSec(window.instances, parameters.data.ttlSeconds)
  const predicted = of.preview?.renewalsPerSec ?? null
  if (renewals === null && predicted === null) return null
  const movable = movableOf(window, demand)
  return demand - movable + Math.min(movable, Math.max(renewals ?? 0, predicted ?? 0))
}

/** Two counts of one rate differ by a few percent. */
const NOTED_SHARE = 0.05
function othersOf(window: Measures, demand: number): string {
  const others = demand - movableOf(window, demand)
  return others < demand * NOTED_SHARE ? '' : `; ${perSecond(others)} are not read through the library`
}

function judgeCopies(
  of: Case,
  window: Measures,
  key: { demand: number; places: (number | undefined)[]; growth: number | null },
): Decision {
  const { demand, places, growth } = key
  const names = window.nameOpsPerSec ?? null
  if (
    names === null ||
    names.length !== places.length ||
    names.includes(null) ||
    places.includes(undefined)
  ) {
    return judgeBySkew(of, window, growth)
  }
  const rates = names.map((rate) => rate ?? 0)
  const owner = places[0]
  const without = move(
    window.shards,
    places.map((place, index) => ({ from: place, to: owner, perSec: rates[index] ?? 0 })),
  )
  // Only what the applications read with the library can be anywhere but at the key itself.
  const even = movableOf(window, demand) / places.length
  const ideal = move(
    without,
    places.map((place) => ({ from: owner, to: place, perSec: even })),
  )
  const [worst, best, now] = [
    hottestOverMean(without),
    hottestOverMean(ideal),
    hottestOverMean(window.shards),
  ]
  if (worst === null || best === null || now === null) return unknown('The load of the shards is not known.')
  const sentence = `The hottest shard carries ${times(now)} the mean; without the copies it would be ${times(worst)}, with even ones ${times(best)}${skewBefore(of)}. ${evenness(rates)}${othersOf(window, demand)}`
  if (worst - best < MIN_PREDICTED.hottestOverMean) {
    return unknown(`${sentence}. The key is not what makes a shard hot now.`)
  }
  return byShare((worst - now) / (worst - best), sentence)
}

/** Without the applications' counts: before and after alone, which a key that cools looks like as well. */
function judgeBySkew(of: Case, window: Measures, growth: number | null): Decision {
  const before = of.before?.hottestOverMean ?? null
  const predicted = of.preview?.hottestOverMeanAfter ?? null
  const now = window.hottestOverMean
  if (before === null || predicted === null || now === null) {
    return unknown(
      'No application told what it read from the copies, and the load of the shards is not known.',
    )
  }
  if (before - predicted < MIN_PREDICTED.hottestOverMean)
    return unknown('The key was not what made a shard hot.')
  const sentence = `The hottest shard carries ${times(now)} the mean instead of ${times(before)}; ${times(predicted)} was predicted. No application told what it read from the copies`
  if (growth === null || growth < UNFADED_SHARE) {
    const asked = growth === null ? 'was not known before' : `is ${percent(growth)} of what it was`
    return unknown(`${sentence}, and what is asked for ${asked}: a key that cools looks the same.`)
  }
  return byShare((before - now) / (before - predicted), sentence)
}

function evenness(rates: readonly number[]): string {
  const sum = rates.reduce((all, rate) => all + rate, 0)
  const mean = sum / rates.length
  if (mean <= 0) return 'No copy is read'
  const ratio = Math.max(...rates) / mean
  const word = ratio <= EVEN_MAX_OVER_MEAN ? 'evenly' : 'unevenly'
  return `Its ${rates.length} names are read ${word} (the most read ${times(ratio)} their mean), ${perSecond(sum)} together`
}

function judgeReplicas(of: Case, window: Measures, demand: number): Decision {
  const onPrimary = window.keyPrimaryOpsPerSec ?? null
  const nodes = of.preview?.nodes?.length ?? 0
  if (onPrimary === null || nodes < 2) {
    return unknown('How the reads of the key fall on the nodes of its shard was not told in this window.')
  }
  const even = demand - movableOf(window, demand) * (1 - 1 / nodes)
  const sentence = `The primary answers ${perSecond(onPrimary)} of the ${perSecond(demand)} that are asked for${beforeWords(of)}; evenly over ${nodes} nodes it would be ${perSecond(even)}${othersOf(window, demand)}`
  if (demand - even < demand * MIN_PREDICTED.shareOfDemand) {
    return unknown(`${sentence}. Too little of it is read by applications with the library to tell.`)
  }
  return byShare((demand - onPrimary) / (demand - even), sentence)
}

function move(
  shards: readonly ShardLoad[],
  moves: readonly { from: number | undefined; to: number | undefined; perSec: number }[],
): ShardLoad[] {
  return shards.map((shard) => ({
    ...shard,
    opsPerSec:
      shard.opsPerSec === null
        ? null
        : moves.reduce(
            (ops, { from, to, perSec }) =>
              Math.max(0, ops - (from === shard.shardId ? perSec : 0) + (to === shard.shardId ? perSec : 0)),
            shard.opsPerSec,
          ),
  }))
}

function beforeWords({ before }: Case): string {
  const then = before === null ? null : before.keyOpsPerSec
  return then === null ? '' : ` (before: ${perSecond(then)})`
}

function skewBefore({ before }: Case): string {
  return before === null || before.hottestOverMean === null
    ? ''
    : ` (before: ${times(before.hottestOverMean)})`
}

function byShare(share: number, sentence: string): Decision {
  const came = percent(Math.min(1, Math.max(0, share)))
  return share >= WORKED_SHARE
    ? { verdict: 'worked', because: `${sentence}. ${came} of the predicted effect came true.` }
    : { verdict: 'no-effect', because: `${sentence}. Only ${came} of the predicted effect came true.` }
}
