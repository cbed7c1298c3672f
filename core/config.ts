/**
 * cachescope.yaml, parsed: every problem at once, each with its line and column.
 * No message repeats a value that may hold a password.
 */
import { type Document, isAlias, isMap, isScalar, LineCounter, type Node, parseDocument, visit } from 'yaml'
import { addressOf, checkAcross, type FindFile } from './config-check.ts'
import { ConfigError, type Path, Problems } from './config-problems.ts'
import { ConfigFile } from './config-schema.ts'
import type { NodeAddress } from './sample.ts'

export type Seed = { host: string; port: number; address: NodeAddress }
/** `caPath` is as findFile gave it. */
export type TlsConfig = { caPath: string | null; servername: string | null; rejectUnauthorized: boolean }
export type CacheConfig = {
  cacheId: string
  kind: 'standalone' | 'sentinel' | 'cluster'
  /** Of a `sentinel` cache its Sentinels, which say where its nodes are. */
  seeds: Seed[]
  username: string | null
  password: string | null
  /** null: plain TCP */
  tls: TlsConfig | null
  /** Of a `sentinel` cache; null for the other kinds. */
  sentinel: SentinelConfig | null
  intervalMs: number
  hotKeys: HotKeysConfig
  mitigations: MitigationsConfig
}
export type SentinelConfig = {
  /** What the Sentinels call the deployment: `mymaster`. */
  masterName: string
  /** As which Cachescope signs in to the Sentinels. */
  username: string | null
  password: string | null
}
export type MitigationsConfig = {
  /** Whether anything on the cache's servers may be changed. */
  enabled: boolean
  /** Who does it; null: as the cache is watched. */
  username: string | null
  password: string | null
  /** What is measured before a mitigation, and twice after it. */
  proofWindowMs: number
}
export type HotKeysConfig = {
  enabled: boolean
  /** Share of the node's time, 0.001 to 0.1. */
  budget: number
  /** The longest that watching may make a client wait. */
  maxLatencyMs: number
  /** What differs on single nodes. */
  nodes: ReadonlyMap<NodeAddress, { enabled: boolean; budget: number }>
}
export type Retention = { rawMs: number; minutesMs: number; hoursMs: number; keysMs: number }
export type Config = {
  caches: CacheConfig[]
  retention: Retention
  dashboard: { host: string; port: number }
}

type Env = Record<string, string | undefined>

const asNamed: FindFile = (path) => ({ path, problem: null })

/** @throws ConfigError with every problem */
export function parseConfig(text: string, env: Env, findFile: FindFile = asNamed): Config {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const problems = new Problems(document, lines)

  const syntax = document.errors.filter((error) => error.code !== 'DUPLICATE_KEY')
  for (const error of document.errors) problems.addAt(error.pos[0], '', syntaxMessage(error, text))
  if (document.contents === null && syntax.length === 0) {
    problems.addAt(0, '', 'The file is empty; name your caches: see docs/configuration.md')
    throw new ConfigError(problems.list)
  }
  // What comes before the first error of syntax was read right; what follows it would be noise.
  if (syntax.length > 0) problems.limit = Math.min(...syntax.map((error) => error.pos[0]))

  substituteEnv(document, env, problems)
  const value = toJS(document, problems)
  const result = value === undefined ? null : ConfigFile.safeParse(value)
  if (result && !result.success) for (const issue of result.error.issues) problems.addIssue(issue)
  checkAcross(value, problems, findFile)
  if (problems.list.length > 0 || !result?.success) throw new ConfigError(problems.inOrder())
  return shape(result.data, findFile)
}

/** The library's own sentence, without the lines of the file that it would quote. */
function syntaxMessage(
  error: { code: string; message: string; pos: [number, number] },
  text: string,
): string {
  if (error.code === 'DUPLICATE_KEY') {
    const key = /^[\w-]+/.exec(text.slice(error.pos[0]))?.[0] ?? 'The key'
    return `${key} is given twice in this block`
  }
  if (error.code === 'TAB_AS_INDENT') return 'Tabs may not indent; use spaces'
  return `Not valid YAML: ${error.message.split('\n')[0]}`
}

function toJS(document: Document, problems: Problems): unknown {
  try {
    return document.toJS({ maxAliasCount: 50 })
  } catch {
    problems.addAt(0, '', 'The file uses aliases (*name) that are unknown or too many')
    return undefined
  }
}

/** `${NAME}` anywhere in a text value becomes the variable's value; `$${` is a plain `${`. */
function substituteEnv(document: Document, env: Env, problems: Problems): void {
  visit(document, {
    Scalar(key, node, parents) {
      if (key === 'key' || typeof node.value !== 'string') return
      node.value = node.value.replace(/\$?\$\{([^}]*)\}/g, (reference, name: string) => {
        if (reference.startsWith('$$')) return reference.slice(1)
        const value = env[name]
        if (value !== undefined && value !== '') return value
        const what = /^[A-Za-z_]\w*$/.test(name)
          ? `refers to the environment variable ${name}, which is ${value === '' ? 'empty' : 'not set'}`
          : 'refers to an environment variable by a name that is none'
        problems.add(pathOf(parents, node, key), what)
        return ''
      })
    },
  })
}

function pathOf(parents: readonly unknown[], node: Node, key: number | 'key' | 'value' | null): Path {
  const path: PropertyKey[] = []
  const chain = [...parents, node]
  chain.forEach((parent, index) => {
    const child = chain[index + 1]
    if (parent && typeof parent === 'object' && 'items' in parent && !isMap(parent)) {
      const at = (parent.items as unknown[]).indexOf(child)
      path.push(at < 0 && typeof key === 'number' ? key : at)
    }
    if (parent && typeof parent === 'object' && 'key' in parent && isScalar(parent.key)) {
      path.push(String(parent.key.value))
    }
    if (isAlias(parent)) path.push('*')
  })
  return path
}

function shape(file: ConfigFile, findFile: FindFile): Config {
  return {
    caches: file.caches.map((cache) => {
      const [first] = cache.nodes
      return {
        cacheId: cache.name,
        kind: cache.kind,
        seeds: cache.nodes.map((node) => ({
          host: node.host.replace(/^\[|\]$/g, ''),
          port: node.port,
          address: addressOf(node),
        })),
        ...(cache.kind === 'sentinel'
          ? { username: cache.username ?? null, password: cache.password ?? null }
          : {
              username: cache.username ?? first?.username ?? null,
              password: cache.password ?? first?.password ?? null,
            }),
        sentinel:
          cache.kind === 'sentinel'
            ? {
                masterName: cache.master ?? '',
                username: cache.sentinelUsername ?? first?.username ?? null,
                password: cache.sentinelPassword ?? first?.password ?? null,
              }
            : null,
        tls: first?.tls
          ? {
              caPath: cache.tls?.ca === undefined ? null : findFile(cache.tls.ca).path,
              servername: cache.tls?.servername ?? null,
              rejectUnauthorized: cache.tls?.rejectUnauthorized ?? true,
            }
          : null,
        intervalMs: cache.interval,
        hotKeys: shapeHotKeys(cache.hotKeys),
        mitigations: {
          enabled: cache.mitigations.enabled,
          username: cache.mitigations.username ?? null,
          password: cache.mitigations.password ?? null,
          proofWindowMs: cache.mitigations.proofWindow,
        },
      }
    }),
    retention: {
      rawMs: file.retention.raw,
      minutesMs: file.retention.minutes,
      hoursMs: file.retention.hours,
      keysMs: file.retention.keys,
    },
    dashboard: file.dashboard,
  }
}

function shapeHotKeys({
  enabled,
  budget,
  maxLatency,
  nodes,
}: ConfigFile['caches'][number]['hotKeys']): HotKeysConfig {
  const own = Object.entries(nodes).map(
    ([address, node]) =>
      [address, { enabled: node.enabled ?? enabled, budget: node.budget ?? budget }] as const,
  )
  return { enabled, budget, maxLatencyMs: maxLatency, nodes: new Map(own) }
}
