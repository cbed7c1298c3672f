/** What cachescope.yaml may hold. Messages continue the path that they are shown with: `caches[0].interval` + message. */
import { z } from 'zod'
import { type NodeUrl, type Parsed, parseDuration, parseNodeUrl, parseShare } from './config-values.ts'

const text = (what = 'is text') =>
  z
    .string({ error: `${what}; quote it: "…"` })
    .min(1, { error: 'is empty; give a value, or leave the line out' })

const parsed = <T>(parse: (text: string) => Parsed<T>, what: string) =>
  text(what).transform((value, context): T => {
    const result = parse(value)
    if (result.ok) return result.value
    context.issues.push({ code: 'custom', message: result.message, input: value })
    return z.NEVER
  })

const duration = (min: string, max: string) =>
  parsed((value) => parseDuration(value, min, max), `is a duration with its unit, such as ${min}`)

const port = z
  .int({ error: 'is a port: a whole number' })
  .refine((value) => value >= 1 && value <= 65_535, { error: 'must be between 1 and 65535' })

const flag = z.boolean({ error: 'is true or false' })

const LATER = ['memcached', 'dax']
const KINDS = 'is standalone, sentinel or cluster'
const kind = z.string({ error: KINDS }).transform((value, context) => {
  if (value === 'standalone' || value === 'sentinel' || value === 'cluster') return value
  const message = LATER.includes(value)
    ? `${value} is not supported by this version yet; supported: standalone, sentinel, cluster`
    : KINDS
  context.issues.push({ code: 'custom', message, input: value })
  return z.NEVER
})

const LOOPBACK = ['127.0.0.1', '::1', 'localhost']
const map = { error: 'is a block of settings, each on a line of its own' }

const budget = parsed((value) => parseShare(value, 0.1, 10), 'is a share such as 1%')
const address = /^(\[[0-9a-f:.]+\]|[\w.-]+):\d{1,5}$/i

/** What differs on one node, by its address as the dashboard shows it. */
const nodeHotKeys = z.strictObject({ enabled: flag.optional(), budget: budget.optional() }, map)

const cache = z.strictObject(
  {
    name: text().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, {
      error: 'is lower-case letters, digits and dashes, at most 63, and begins with a letter or digit',
    }),
    kind,
    nodes: z
      .array(parsed<NodeUrl>(parseNodeUrl, 'is a URL such as redis://127.0.0.1:6379'), {
        error: 'is a list of URLs: [redis://127.0.0.1:6379]',
      })
      .min(1, { error: 'is empty; name at least one node, such as redis://127.0.0.1:6379' }),
    username: text().optional(),
    password: text().optional(),
    master: text().optional(),
    sentinelUsername: text().optional(),
    sentinelPassword: text().optional(),
    tls: z
      .strictObject(
        {
          ca: text('is a path').optional(),
          servername: text().optional(),
          rejectUnauthorized: flag.optional(),
        },
        map,
      )
      .optional(),
    interval: duration('1s', '60s').prefault('2s'),
    hotKeys: z
      .strictObject(
        {
          enabled: flag.default(true),
          budget: budget.prefault('1%'),
          maxLatency: duration('5ms', '500ms').prefault('20ms'),
          nodes: z
            .record(
              z.string().regex(address, { error: 'is the address of a node, such as "10.0.0.5:6379"' }),
              nodeHotKeys,
              { error: 'is a block with a line for each node: "10.0.0.5:6379": { budget: 0.5% }' },
            )
            .prefault({}),
        },
        map,
      )
      .prefault({}),
    mitigations: z
      .strictObject(
        {
          enabled: flag.default(false),
          username: text().optional(),
          password: text().optional(),
          proofWindow: duration('10s', '10m').prefault('60s'),
        },
        map,
      )
      .prefault({}),
  },
  map,
)

export const ConfigFile = z.strictObject(
  {
    caches: z.array(cache, { error: 'is a list of caches, each beginning with "- name:"' }),
    retention: z
      .strictObject(
        {
          raw: duration('1h', '30d').prefault('48h'),
          minutes: duration('1d', '400d').prefault('30d'),
          hours: duration('7d', '3650d').prefault('400d'),
          keys: duration('1d', '400d').prefault('30d'),
        },
        map,
      )
      .prefault({}),
    dashboard: z
      .strictObject(
        {
          host: text()
            .refine((value) => LOOPBACK.includes(value), {
              error: `must be a loopback address (${LOOPBACK.join(', ')}): there is no sign-in yet`,
            })
            .default('127.0.0.1'),
          port: port.default(3000),
        },
        map,
      )
      .prefault({}),
  },
  map,
)
export type ConfigFile = z.infer<typeof ConfigFile>

/** The settings that a block may hold, for the did-you-mean of an unknown one. Lists are stepped over. */
export function settingsAt(path: readonly PropertyKey[]): string[] {
  const texts = path.filter((part) => typeof part === 'string')
  // A node's address is no setting's name.
  const names = texts.map((part, index) => (texts[index - 1] === 'nodes' ? '*' : part)).join('.')
  return SETTINGS[names] ?? []
}
const keysOf = (shape: object) => Object.keys(shape)
const SETTINGS: Record<string, string[]> = {
  '': keysOf(ConfigFile.shape),
  caches: keysOf(cache.shape),
  'caches.tls': keysOf(cache.shape.tls.unwrap().shape),
  'caches.hotKeys': keysOf(cache.shape.hotKeys.unwrap().shape),
  'caches.hotKeys.nodes.*': keysOf(nodeHotKeys.shape),
  'caches.mitigations': keysOf(cache.shape.mitigations.unwrap().shape),
  retention: keysOf(ConfigFile.shape.retention.unwrap().shape),
  dashboard: keysOf(ConfigFile.shape.dashboard.unwrap().shape),
}
