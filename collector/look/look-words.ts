/** The sentences around a look's table: what was looked at, what could not be seen and why, what it cost. Pure. */
import { bytesText, countText, percentText } from './cells.ts'
import type { LookResult } from './look.ts'
import { onCommandLine } from './look-failure.ts'
import type { LookNode } from './look-rows.ts'

export type Listed = 'keys' | 'patterns' | 'missing'

export function headLine({ nodes, hotKeys, from, to }: LookResult): string {
  const caches = [...new Set(nodes.map(({ cacheId }) => cacheId))].join(', ')
  const shards = new Set(nodes.map(({ cacheId, shardId }) => `${cacheId} ${shardId}`)).size
  const rates = nodes.flatMap(({ opsPerSec, role }) =>
    opsPerSec === null || role === 'replica' ? [] : [opsPerSec],
  )
  const rate = rates.length === 0 ? '' : ` · ${countText(sum(rates))} commands/s`
  const sampled = sum(sampledByWindow(hotKeys))
  const seen = sampled === 0 ? '' : ` · ${countText(sampled)} sampled`
  const size = `${plural(shards, 'shard')}, ${plural(nodes.length, 'node')}`
  return `${caches} · ${size}${rate}${seen} · ${((to - from) / 1_000).toFixed(1)} s`
}

/** Keys of one window share its count. */
function sampledByWindow(hotKeys: LookResult['hotKeys']): number[] {
  const most = new Map<number, number>()
  for (const { nodeIds, nodeId, window } of hotKeys) {
    if (nodeIds.length === 1) most.set(nodeId, Math.max(most.get(nodeId) ?? 0, window.sampledCommands ?? 0))
  }
  return [...most.values()]
}

/** Below the table: what is missing from it, and the bill. */
export function lastLines(result: LookResult, listed: Listed, hasRows: boolean, final: boolean): string[] {
  const nothing = hasRows ? [] : [nothingSentence(result, listed, final)]
  return [...nothing, ...noteLines(result.nodes), costLine(result, final)]
}

function nothingSentence({ nodes, hotKeys, from, to }: LookResult, listed: Listed, final: boolean): string {
  if (!final) return 'Looking…'
  const rate = sum(nodes.flatMap(({ opsPerSec, role }) => (role === 'replica' ? [] : [opsPerSec ?? 0])))
  const seconds = ((to - from) / 1_000).toFixed(1)
  if (nodes.every(({ refusal, state }) => refusal !== null || state !== 'up')) {
    return 'Hot keys could not be read: the reasons are below.'
  }
  if (rate < 1)
    return `Nothing is hot: in ${seconds} s no client sent commands to speak of (${countText(rate)}/s).`
  if (listed === 'missing') {
    return `No hot key is missing: of ${plural(hotKeys.length, 'hot key')}, all that were asked for exist.`
  }
  if (listed === 'patterns' && hotKeys.length > 0) {
    return 'No patterns were learned: they need MONITOR, and some seconds of it (--for 10s).'
  }
  if (hotKeys.length > 0) return 'Nothing to list: no hot key has what was asked for.'
  return `Nothing is hot: of ${countText(rate)} commands a second no key has a share above the others; a longer --for sees smaller ones.`
}

/** One line for all nodes of which the same is to be said. */
function noteLines(nodes: readonly LookNode[]): string[] {
  const addresses = new Map<string, string[]>()
  for (const node of nodes) {
    for (const note of notesOf(node)) addresses.set(note, [...(addresses.get(note) ?? []), node.address])
  }
  return [...addresses].map(([note, at]) => {
    const where = at.length === nodes.length && at.length > 1 ? 'All nodes' : at.slice(0, 3).join(', ')
    const more = at.length > 3 && where !== 'All nodes' ? ` and ${at.length - 3} more` : ''
    return `${where}${more}: ${note}`
  })
}

function notesOf({ state, message, refusal, watching }: LookNode): string[] {
  if (state !== 'up') return [onCommandLine(message ?? 'It has not answered yet.')]
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
  const isWatch = nodes.every(({ watching }) => watching?.source === 'watch')
  const open = `${isWatch ? 'watch' : 'MONITOR'} open ${countText(cost.windowMs)} ms`
  if (!final || cost.cpuShare === null) return `Cost: ${sent}, ${open}.`
  const whose = nodes.length > 1 ? "the busiest node's CPU" : "the node's CPU"
  const measured =
    cost.measuredCpuShare === null
      ? 'MONITOR too small to be told apart in INFO cpu'
      : `MONITOR measured ${percentText(cost.measuredCpuShare)} by INFO cpu`
  return `Cost: ${sent}, ${open}; ${percentText(cost.cpuShare)} of ${whose} by the model, ${measured}.`
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
const plural = (count: number, what: string): string => `${countText(count)} ${what}${count === 1 ? '' : 's'}`
