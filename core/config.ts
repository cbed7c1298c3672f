/**
 * cachescope.yaml, parsed: every problem at once, each with its line and column.
 * No message repeats a value that may hold a password.
 */
import { type Document, isAlias, isMap, isScalar, LineCounter, type Node, parseDocument, visit } from 'yaml'
import type { z } from 'zod'
import { ConfigFile, settingsAt } from './config-schema.ts'
import type { NodeUrl } from './config-values.ts'
import { didYouMean } from './did-you-mean.ts'
import { CachescopeError } from './errors.ts'
import type { NodeAddress } from './sample.ts'

export type Seed = { host: string; port: number; address: NodeAddress }
/** `caPath` is as findFile gave it. */
export type TlsConfig = { caPath: string | null; servername: string | null; rejectUnauthorized: boolean }
export type CacheConfig = {
  cacheId: string
  kind: 'standalone' | 'cluster'
  seeds: Seed[]
  username: string | null
  password: string | null
  /** null: plain TCP */
  tls: TlsConfig | null
  intervalMs: number
  hotKeys: HotKeysConfig
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

export type ConfigProblem = { line: number; column: number; path: string; message: string }

export class ConfigError extends CachescopeError {
  /** In the order of the file. */
  readonly problems: ConfigProblem[]

  constructor(problems: ConfigProblem[]) {
    const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`
    super('config-invalid', `The configuration has ${count}.`)
    this.problems = problems
  }
}

/** `cachescope.yaml:3:5: caches[0].kind is standalone or cluster`, a line each. */
export function formatProblems(file: string, problems: ConfigProblem[]): string {
  return problems
    .map(
      ({ line, column, path, message }) => `${file}:${line}:${column}: ${path ? `${path} ` : ''}${message}`,
    )
    .join('\n')
}

type Path = readonly PropertyKey[]
type Env = Record<string, string | undefined>

/** Where a file that the configuration names is, absolute, and what is wrong with it: a message that continues its setting. */
export type FindFile = (named: string) => { path: string; problem: string | null }
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

class Problems {
  readonly list: ConfigProblem[] = []
  /** Offset from which only problems of syntax count. */
  limit = Number.POSITIVE_INFINITY
  readonly #document: Document
  readonly #lines: LineCounter
  readonly #seen = new Set<string>()

  constructor(document: Document, lines: LineCounter) {
    this.#document = document
    this.#lines = lines
  }

  addAt(offset: number, path: string, message: string): void {
    const { line, col } = this.#lines.linePos(offset)
    this.list.push({ line: Math.max(1, line), column: Math.max(1, col), path, message })
  }

  /** One problem a path: the first says what to mend. */
  add(path: Path, message: string, at: 'value' | 'key' = 'value'): void {
    const shown = formatPath(path)
    const { offset, found } = this.#locate(path, at)
    if (this.#seen.has(shown) || offset >= this.limit) return
    if (!found && this.limit !== Number.POSITIVE_INFINITY) return
    this.#seen.add(shown)
    this.addAt(offset, shown, message)
  }

  addIssue(issue: z.core.$ZodIssue): void {
    if (issue.code === 'unrecognized_keys') {
      const settings = settingsAt(issue.path)
      for (const key of issue.keys) {
        const guess = didYouMean(key, settings)
        const hint = guess ? `did you mean ${guess}?` : `known here: ${settings.join(', ')}`
        this.add([...issue.path, key], `is not a setting; ${hint}`, 'key')
      }
      return
    }
    if (issue.path.length === 0) {
      this.add([], `The file is a block of settings: ${settingsAt([]).join(', ')}`)
      return
    }
    const missing = issue.code === 'invalid_type' && !this.#document.hasIn(issue.path)
    const node = this.#document.getIn(issue.path, true)
    const empty = isScalar(node) && node.value === null
    this.add(
      issue.path,
      missing ? 'is missing' : empty ? 'is empty; give a value, or leave the line out' : issue.message,
    )
  }

  inOrder(): ConfigProblem[] {
    return this.list.sort((a, b) => a.line - b.line || a.column - b.column)
  }

  /** Where the setting is, or its nearest parent that is there. */
  #locate(path: Path, at: 'value' | 'key'): { offset: number; found: boolean } {
    for (let length = path.length; length >= 0; length--) {
      const parent = length === 0 ? null : this.#document.getIn(path.slice(0, length - 1), true)
      const container = length === 1 ? this.#document.contents : parent
      const name = path[length - 1]
      if (isMap(container)) {
        const pair = container.items.find((item) => isScalar(item.key) && item.key.value === name)
        const node = (pair?.value ?? pair?.key) as Node | undefined
        const place = at === 'key' || (isScalar(node) && node.value === null) ? (pair?.key as Node) : node
        if (place?.range) return { offset: place.range[0], found: length === path.length }
      }
      const node = length === 0 ? this.#document.contents : this.#document.getIn(path.slice(0, length), true)
      const range = (node as Node | null | undefined)?.range
      if (range) return { offset: range[0], found: length === path.length }
    }
    return { offset: 0, found: false }
  }
}

function formatPath(path: Path): string {
  return path.reduce<string>(
    (shown, part) =>
      typeof part === 'number'
        ? `${shown}[${part}]`
        : shown === ''
          ? String(part)
          : `${shown}.${String(part)}`,
    '',
  )
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

/** What no single field can see. Works on whatever is there, so that it is told with the other problems. */
function checkAcross(value: unknown, problems: Problems, findFile: FindFile): void {
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
    cache.nodes.forEach((node, at) => {
      const first = owners.get(addressOf(node)) ?? index
      owners.set(addressOf(node), first)
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
    if (node.password !== null && cache.password !== undefined) {
      problems.add(at, 'holds a password, and so does the cache; give one of them')
    } else if (node.password !== first?.password || node.username !== first?.username) {
      problems.add(at, 'has another user or password than the first node; a cache has one')
    }
  })
  if (cache.tls && first && !first.tls) {
    problems.add([...path, 'tls'], 'is set, but the nodes are redis://; write rediss://')
  }
  if (cache.username !== undefined && cache.password === undefined && first?.password === null) {
    problems.add([...path, 'username'], 'needs a password beside it')
  }
}

const addressOf = (node: NodeUrl): NodeAddress => `${node.host}:${node.port}`

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
        username: cache.username ?? first?.username ?? null,
        password: cache.password ?? first?.password ?? null,
        tls: first?.tls
          ? {
              caPath: cache.tls?.ca === undefined ? null : findFile(cache.tls.ca).path,
              servername: cache.tls?.servername ?? null,
              rejectUnauthorized: cache.tls?.rejectUnauthorized ?? true,
            }
          : null,
        intervalMs: cache.interval,
        hotKeys: shapeHotKeys(cache.hotKeys),
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
