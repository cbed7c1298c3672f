/** Doctor's judgement of one Redis: each check a state, a sentence, and what would lift it. Pure. */
import { guardRefusal } from '../../../core/hot-keys/guards.ts'
import type { Exam } from './exam.ts'
import type { Prediction } from './prediction.ts'
import type { RightState } from './rights.ts'

export type Check = {
  name: string
  /** `refused`: what it names is not to be had; `degraded`: less than all of it, or not known. */
  state: 'ok' | 'degraded' | 'refused'
  /** One sentence, without figures that differ from node to node. */
  text: string
  /** What would change it; null when nothing needs to. */
  hint: string | null
}

const ok = (name: string, text: string): Check => ({ name, state: 'ok', text, hint: null })
const degraded = (name: string, text: string, hint: string | null): Check => ({
  name,
  state: 'degraded',
  text,
  hint,
})
const refused = (name: string, text: string, hint: string | null): Check => ({
  name,
  state: 'refused',
  text,
  hint,
})

const GRANT = 'the ACL line below grants it'

export function judge(exam: Exam, prediction: Prediction | null, budget: number): Check[] {
  if (exam.failure !== null) return [refused('connection', exam.failure, null)]
  return [
    ok('sign-in', `as ${exam.user}${exam.usesTls ? ', over TLS' : ''}`),
    ok('load, hit rate, lag', 'INFO is permitted'),
    latencyCheck(exam),
    slowlogCheck(exam),
    ...clusterCheck(exam),
    monitorCheck(exam, prediction, budget),
    ...(stateOf(exam, 'monitor') === 'refused' ? [] : outputChecks(exam)),
    sizeCheck(exam),
    othersCheck(exam),
    ...otherSources(exam),
  ]
}

const stateOf = (exam: Exam, right: string): RightState => exam.rights.get(right) ?? 'absent'

function latencyCheck({ info }: Exam): Check {
  const name = 'latency'
  const commands = [...(info?.commands.values() ?? [])]
  if (commands.some(({ p99Us }) => p99Us !== null)) return ok(name, 'percentiles per command, from INFO')
  const isOld = Number((info?.version ?? '').split('.')[0]) < 7
  return degraded(
    name,
    'means per command, but no percentiles',
    isOld ? 'Redis 7 and Valkey have them' : 'CONFIG SET latency-tracking yes brings them',
  )
}

function slowlogCheck(exam: Exam): Check {
  const name = 'slow log'
  if (stateOf(exam, 'command') === 'refused') {
    return degraded(name, 'not read: the user may not run COMMAND, which says where keys are', GRANT)
  }
  return stateOf(exam, 'slowlog|get') === 'refused'
    ? degraded(name, 'not read: the user may not run SLOWLOG GET', GRANT)
    : ok(name, 'SLOWLOG GET is permitted')
}

function clusterCheck(exam: Exam): Check[] {
  const name = 'cluster'
  if (exam.info?.fields.get('cluster_enabled') !== '1') return []
  const shape = ['cluster|shards', 'cluster|nodes'].some((one) => stateOf(exam, one) === 'allowed')
  if (shape && stateOf(exam, 'cluster|info') !== 'refused')
    return [ok(name, 'all shards are found from any node')]
  return [refused(name, 'its shards cannot be found: CLUSTER SHARDS, NODES or INFO is not permitted', GRANT)]
}

function monitorCheck(exam: Exam, prediction: Prediction | null, budget: number): Check {
  const name = 'hot keys'
  const { facts } = exam
  const may = stateOf(exam, 'monitor')
  if (may === 'absent')
    return refused(name, 'the server has no MONITOR: it was disabled or renamed there', null)
  if (may === 'refused') return refused(name, 'the user may not run MONITOR', GRANT)
  if (stateOf(exam, 'command') === 'refused') return refused(name, 'the user may not run COMMAND', GRANT)
  const guard = facts === null ? null : guardRefusal(facts)
  if (guard !== null) return refused(name, guard, null)
  if (prediction === null) {
    const text = 'commands are so large, or so many, that MONITOR would make clients wait beyond the bound'
    return refused(name, text, 'a larger --max-latency allows it')
  }
  const within = `by MONITOR, within ${Number((budget * 100).toFixed(2))}% of the node's time`
  if (may === 'allowed') return ok(name, within)
  const how = 'whether the user may run MONITOR cannot be told without ACL DRYRUN'
  return degraded(name, `${within}, if permitted: ${how}`, 'ACL DRYRUN needs Redis 7 and +acl|dryrun')
}

function outputChecks(exam: Exam): Check[] {
  const name = 'output limit'
  const checks: Check[] = []
  const lost = ['hello', 'subscribe'].filter((one) => stateOf(exam, one) === 'refused')
  const names = lost.join(' and ').toUpperCase()
  if (lost.length > 0) {
    const text = `no limit on what the server holds for MONITOR should our process be stopped: ${names} is not permitted`
    checks.push(degraded(name, text, GRANT))
  } else if (exam.pubsubLimitBytes === 0) {
    const text =
      'client-output-buffer-limit pubsub is unlimited: it would end a MONITOR of ours that nobody reads'
    checks.push(degraded(name, text, "CONFIG SET client-output-buffer-limit 'pubsub 32mb 8mb 60'"))
  } else {
    const known =
      exam.pubsubLimitBytes === null ? '' : ` at ${Math.round(exam.pubsubLimitBytes / 1_048_576)} MB`
    checks.push(ok(name, `the server itself ends a MONITOR of ours that nobody reads${known}`))
  }
  if (stateOf(exam, 'client|list') === 'refused') {
    checks.push(
      degraded('memory guard', 'what the server holds for MONITOR is not watched: no CLIENT LIST', GRANT),
    )
  }
  return checks
}

function sizeCheck(exam: Exam): Check {
  const name = 'missing, big keys'
  const state = stateOf(exam, 'memory|usage')
  if (state === 'allowed') return ok(name, 'by MEMORY USAGE, which adds no hit and no miss')
  const text = `whether hot keys exist and how large they are is not ${state === 'unknown' ? 'sure to be seen' : 'seen'}`
  return degraded(
    name,
    `${text}: MEMORY USAGE is ${state === 'absent' ? 'not there' : 'not permitted'}`,
    state === 'absent' ? null : GRANT,
  )
}

function othersCheck({ monitors, monitorsUnknown }: Exam): Check {
  const name = 'other MONITORs'
  if (monitors === null) return degraded(name, `not known: ${monitorsUnknown}`, null)
  if (monitors.length === 0) return ok(name, 'nobody else runs MONITOR')
  const shown = monitors.slice(0, 3).join(', ')
  const text = `${monitors.length} client${monitors.length === 1 ? '' : 's'} in MONITOR without end: ${shown}`
  return degraded(
    name,
    text,
    'each may halve what the node can do: CLIENT KILL ADDR ends one that nobody needs',
  )
}

function otherSources(exam: Exam): Check[] {
  const name = 'other sources'
  const { info, hasHotkeys, hasSlotStats } = exam
  const found: string[] = []
  if (hasHotkeys === true) found.push('HOTKEYS')
  if (hasSlotStats === true) found.push('CLUSTER SLOT-STATS')
  const isLfu = (info?.fields.get('maxmemory_policy') ?? '').includes('lfu')
  if (isLfu && stateOf(exam, 'object|freq') !== 'refused') found.push('OBJECT FREQ')
  if (found.length > 0) return [ok(name, `should MONITOR be refused: ${found.join(', ')}`)]
  const text = 'none should MONITOR be refused: no HOTKEYS, no SLOT-STATS, no LFU policy'
  const hint = 'Redis 8.6 and Valkey 9.2 have HOTKEYS; under an LFU policy there is OBJECT FREQ'
  return [stateOf(exam, 'monitor') === 'allowed' ? ok(name, text) : degraded(name, text, hint)]
}
