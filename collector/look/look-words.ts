/** The sentences around a look's table: what was looked at, what could not be seen and why, what it cost. Pure. */
import { bytesText, countText, percentText } from './cells.ts'
import type { LookResult } from './look.ts'
import { onCommandLine } from './look-failure.ts'
import type { LookNode } from './look-rows.ts'

export type Listed = 'keys' | 'patterns' | 'missing'

/** Below it a list without keys says little: one key of 5% would be some fifty of them. */
const ENOUGH_COMMANDS = 1_000

export function headLine({ nodes, from, to }: LookResult): string {
  const caches = [...new Set(nodes.map(({ cacheId }) => cacheId))].join(', ')
  const shards = new Set(nodes.map(({ cacheId, shardId }) => `${cacheId} ${shardId}`)).size
  const rates = nodes.flatMap(({ opsPerSec, role }) =>
    opsPerSec === null || role === 'replica' ? [] : [opsPerSec],
  )
  const rate = rates.length === 0 ? '' : ` · ${countText(sum(rates))} commands/s`
  const sampled = sampledOf(nodes)
  const seen = sampled === 0 ? '' : ` · ${countText(sampled)} sampled`
  const size = `${plural(shards, 'shard')}, ${plural(nodes.length, 'node')}`
  return `${caches} · ${size}${rate}${seen} · ${((to - from) / 1_000).toFixed(1)} s`
}

const sampledOf = (nodes: readonly LookNode[]): number =>
  sum(nodes.map(({ sampledCommands }) => sampledCommands ?? 0))

/** Up, not refused, and yet nobody has looked: its turn did not come. */
const isUnseen = ({ state, refusal, wasLookedAt }: LookNode): boolean =>
  state === 'up' && refusal === null && !wasLookedAt

/** Below the table: what is missing from it, and the bill. */
export function lastLines(result: LookResult, listed: Listed, hasRows: boolean, final: boolean): string[] {
  const nothing = hasRows ? [] : [nothingSentence(result, listed, final)]
  return [...nothing, ...noteLines(result.nodes, final), costLine(result, final)]
}

function nothingSentence({ nodes, hotKeys, from, to }: LookResult, listed: Listed, final: boolean): string {
  if (!final) return 'Looking…'
  const rate = sum(nodes.flatMap(({ opsPerSec, role }) => (role === 'replica' ? [] : [opsPerSec ?? 0])))
  const seconds = ((to - from) / 1_000).toFixed(1)
  if (nodes.every(({ refusal, state }) => refusal !== null || state !== 'up')) {
    return 'Hot keys could not be read: the reasons are below.'
  }
  const seen = `${plural(sampledOf(nodes), 'command')} of ${countText(rate)}/s`
  const hasUnseen = nodes.some(isUnseen)
  const isShort = hasUnseen || (rate >= 1 && sampledOf(nodes) < ENOUGH_COMMANDS)
  if (hotKeys.length === 0 && isShort && countsCommands(nodes)) {
    return `Not looked at long enough to say what is hot: ${seen} seen in ${seconds} s; a longer --for sees more.`
  }
  if (rate < 1)
    return `Nothing is hot: in ${seconds} s no client sent commands to speak of (${countText(rate)}/s).`
  if (listed === 'missing') {
    const known = hotKeys.filter(({ isMissing }) => isMissing !== null).length
    if (known === 0) return 'Whether the hot keys exist is not known yet: a longer --for asks for them.'
    return `No hot key is missing: of ${plural(hotKeys.length, 'hot key')} ${countText(known)} were asked for, and exist.`
  }
  if (listed === 'patterns' && hotKeys.length > 0) {
    return 'No patterns were learned: they need MONITOR, and some seconds of it (--for 10s).'
  }
  if (hotKeys.length > 0) {
    return `Nothing to list: of ${plural(hotKeys.length, 'hot key')} no size is known; a longer --for asks for more.`
  }
  const of = countsCommands(nodes) ? seen : `${countText(rate)} commands a second`
  return `Nothing is hot: of ${of} no key has a share above the others; a longer --for sees smaller ones.`
}

/** The sources of a rank or of command time do not. */
const countsCommands = (nodes: readonly LookNode[]): boolean =>
  nodes.some((node) => isUnseen(node) || node.sampledCommands !== null)

/** One line for all nodes of which the same is to be said. */
function noteLines(nodes: readonly LookNode[], final: boolean): string[] {
  const addresses = new Map<string, string[]>()
  for (const node of nodes) {
    for (const note of notesOf(node, final))
      addresses.set(note, [...(addresses.get(note) ?? []), node.address])
  }
  return [...addresses].map(([note, at]) => {
    const where = at.length === nodes.length && at.length > 1 ? 'All nodes' : at.slice(0, 3).join(', ')
    const more = at.length > 3 && where !== 'All nodes' ? ` and ${at.length - 3} more` : ''
    return `${where}${more}: ${note}`
  })
}

function notesOf(node: LookNode, final: boolean): string[] {
  const { state, message, refusal, watching } = node
  if (state !== 'up') return [onCommandLine(message ?? 'It has not answered yet.')]
  if (final && isUnseen(node))
    return ['not looked at: no burst was made in this time; a longer --for makes one.']
  if (refusal !== null) {
    const others = (watching?.sources ?? [])
      .slice(1)
      .flatMap(({ reason }) => (reason === null ? [] : [reason]))
    return [onCommandLine(refusal), ...others.map(onCommandLine)]
  }
  const main = watching?.sources[0]
  if (!watching?.source || !main || main.source === watching.source) return []
  return [
    onCommandLine(`read by ${watching.source}, as ${main.source} is not used: ${main.reason ?? 'it rests.'}`),
  ]
}

function costLine({ cost, nodes }: LookResult, final: boolean): string {
  const sent = `${plural(cost.commands, 'command')}, ${bytesText(cost.bytes)}, ${plural(cost.connections, 'connection')}`
  const isServer = ({ role }: LookNode) => role === 'server'
  const isWatch = nodes.length > 0 && nodes.every(isServer)
  const means = isWatch ? 'watch' : nodes.some(isServer) ? 'MONITOR and watch' : 'MONITOR'
  const open = `${means} open ${countText(cost.windowMs)} ms`
  if (!final || cost.cpuShare === null) return `Cost: ${sent}, ${open}.`
  const whose = nodes.length > 1 ? "the busiest node's CPU" : "the node's CPU"
  const model = `${percentText(cost.cpuShare)} of ${whose} by the model`
  // Nothing was there that INFO cpu could have told.
  if (isWatch || cost.windowMs === 0) return `Cost: ${sent}, ${open}; ${model}.`
  const measured =
    cost.measuredCpuShare === null
      ? 'MONITOR too small to be told apart in INFO cpu'
      : `MONITOR measured ${percentText(cost.measuredCpuShare)} by INFO cpu`
  return `Cost: ${sent}, ${open}; ${model}, ${measured}.`
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
const plural = (count: number, what: string): string => `${countText(count)} ${what}${count === 1 ? '' : 's'}`
