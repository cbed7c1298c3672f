/** What ⌘K can find besides pages and caches: fetched when it opens, so that it is current and costs nothing before. */
import { z } from 'zod'
import { Mitigation } from '../../core/mitigations/model.ts'
import { HotKey, Node } from '../../core/model.ts'
import { formatRate, formatShare } from '../_lib/format.ts'
import { figureText } from '../_lib/hot-key-text.ts'
import { mitigationName, PHASE_TEXT } from '../_lib/mitigation-text.ts'
import { keyHref, mitigationHref, nodeHref } from '../_lib/urls.ts'

export type Target = { id: string; label: string; description: string; href: string }
export type Targets = { nodes: Target[]; hotKeys: Target[]; mitigations: Target[] }

const Nodes = z.object({ items: z.array(Node) })
const HotKeys = z.object({ items: z.array(HotKey) })
const Mitigations = z.object({ items: z.array(Mitigation) })

/** What cannot be fetched is left out; pages and caches are found all the same. */
export async function fetchTargets(signal: AbortSignal): Promise<Targets> {
  const [nodes, hotKeys, mitigations] = await Promise.allSettled([
    fetchJson('/api/v1/nodes', Nodes, signal),
    fetchJson('/api/v1/hot-keys?limit=100', HotKeys, signal),
    fetchJson('/api/v1/mitigations?running=true&limit=50', Mitigations, signal),
  ])
  return {
    nodes: nodes.status === 'fulfilled' ? nodes.value.items.map(nodeTarget) : [],
    hotKeys: hotKeys.status === 'fulfilled' ? hotKeys.value.items.map(hotKeyTarget) : [],
    mitigations: mitigations.status === 'fulfilled' ? mitigations.value.items.map(mitigationTarget) : [],
  }
}

async function fetchJson<T>(path: string, schema: z.ZodType<T>, signal: AbortSignal): Promise<T> {
  const response = await fetch(path, { signal, headers: { accept: 'application/json' } })
  if (!response.ok) throw new Error(`${path} answered ${response.status}`)
  return schema.parse(await response.json())
}

function nodeTarget(node: Node): Target {
  const place = node.shardOrdinal === null ? node.cacheId : `${node.cacheId}, shard ${node.shardOrdinal}`
  return {
    id: `node-${node.nodeId}`,
    label: node.address,
    description: `${node.role} of ${place}`,
    href: nodeHref(node.cacheId, node.nodeId),
  }
}

function hotKeyTarget(hotKey: HotKey): Target {
  return {
    id: `key-${hotKey.cacheId}-${hotKey.nodeId}-${hotKey.db}-${hotKey.keyBase64}`,
    label: hotKey.key.slice(0, 120),
    description: hotKeyText(hotKey),
    href: keyHref(hotKey.cacheId, hotKey.db, hotKey.keyBase64),
  }
}

function mitigationTarget(mitigation: Mitigation): Target {
  const { mitigationId, phase, cacheId } = mitigation
  return {
    id: `mitigation-${mitigationId}`,
    label: mitigationName(mitigation).slice(0, 120),
    description: `${PHASE_TEXT[phase].toLowerCase()} in ${cacheId}`,
    href: mitigationHref(mitigationId),
  }
}

function hotKeyText(hotKey: HotKey): string {
  const { cacheId, share, opsPerSec } = hotKey
  if (share === null || opsPerSec === null) return `${figureText(hotKey)} in ${cacheId}`
  return `${formatShare(share)} of its node in ${cacheId}, ${formatRate(opsPerSec)}`
}
