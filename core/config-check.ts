/** What the settings of a configuration must be to each other. */
import type { Path, Problems } from './config-problems.ts'
import { ConfigFile } from './config-schema.ts'
import type { NodeUrl } from './config-values.ts'
import type { NodeAddress } from './sample.ts'

/** Where a file that the configuration names is, absolute, and what is wrong with it: a message that continues its setting. */
export type FindFile = (named: string) => { path: string; problem: string | null }

/** What no single field can see. Works on whatever is there, so that it is told with the other problems. */
export function checkAcross(value: unknown, problems: Problems, findFile: FindFile): void {
  const file = ConfigFile.pick({ caches: true }).loose()
  const caches = (value as { caches?: unknown } | null | undefined)?.caches
  if (!Array.isArray(caches)) return
  const names = new Map<unknown, number>()
  const owners = new Map<NodeAddress, number>()
  caches.forEach((entry: unknown, index) => {
    const name = (entry as { name?: unknown } | null)?.name
    if (typeof name !== 'string') return
    const first = names.get(name)
    if (first === undefined) names.set(name, index)
    else problems.add(['caches', index, 'name'], `is the name of caches[${first}] already; names are unique`)
  })
  caches.forEach((entry: unknown, index) => {
    const one = file.safeParse({ caches: [entry] })
    const cache = one.success ? one.data.caches[0] : undefined
    if (!cache) return
    checkNodes(cache, ['caches', index], problems)
    checkSentinel(cache, ['caches', index], problems)
    cache.nodes.forEach((node, at) => {
      // Sentinels watch many deployments: what is watched here is the one of that name.
      const owned = cache.kind === 'sentinel' ? `${addressOf(node)} ${cache.master}` : addressOf(node)
      const first = owners.get(owned) ?? index
      owners.set(owned, first)
      if (first === index) return
      problems.add(
        ['caches', index, 'nodes', at],
        `is a node of caches[${first}] already; two caches would watch it twice`,
      )
    })
    const problem = cache.tls?.ca === undefined ? null : findFile(cache.tls.ca).problem
    if (problem !== null) problems.add(['caches', index, 'tls', 'ca'], problem)
  })
}

function checkNodes(cache: ConfigFile['caches'][number], path: Path, problems: Problems): void {
  const [first] = cache.nodes
  const seen = new Set<string>()
  cache.nodes.forEach((node, index) => {
    const at = [...path, 'nodes', index]
    const address = addressOf(node)
    if (seen.has(address)) problems.add(at, 'is listed twice')
    seen.add(address)
    if (node.tls !== first?.tls) problems.add(at, 'mixes redis:// and rediss://; a cache uses one of them')
    const isSentinel = cache.kind === 'sentinel'
    if (node.password !== null && (isSentinel ? cache.sentinelPassword : cache.password) !== undefined) {
      const other = isSentinel ? 'sentinelPassword' : 'the cache'
      problems.add(at, `holds a password, and so does ${other}; give one of them`)
    } else if (node.password !== first?.password || node.username !== first?.username) {
      problems.add(at, 'has another user or password than the first node; a cache has one')
    }
  })
  if (cache.tls && first && !first.tls) {
    problems.add([...path, 'tls'], 'is set, but the nodes are redis://; write rediss://')
  }
  const urlPassword = cache.kind === 'sentinel' ? null : (first?.password ?? null)
  if (cache.username !== undefined && cache.password === undefined && urlPassword === null) {
    problems.add([...path, 'username'], 'needs a password beside it')
  }
  if (cache.mitigations.username !== undefined && cache.mitigations.password === undefined) {
    problems.add([...path, 'mitigations', 'username'], 'needs a password beside it')
  }
}

function checkSentinel(cache: ConfigFile['caches'][number], path: Path, problems: Problems): void {
  if (cache.kind === 'sentinel') {
    if (cache.master === undefined) {
      problems.add(
        [...path, 'kind'],
        'needs master: beside it, the name that the Sentinels use, such as mymaster',
      )
    }
    if (cache.sentinelUsername !== undefined && cache.sentinelPassword === undefined) {
      problems.add([...path, 'sentinelUsername'], 'needs a sentinelPassword beside it')
    }
    return
  }
  for (const name of ['master', 'sentinelUsername', 'sentinelPassword'] as const) {
    if (cache[name] !== undefined) problems.add([...path, name], 'is for kind: sentinel only', 'key')
  }
}

export const addressOf = (node: NodeUrl): NodeAddress => `${node.host}:${node.port}`
