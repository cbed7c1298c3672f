/**
 * The parameters of the HTTP API, each once: what validates a request is what the OpenAPI document shows.
 * Whole numbers are declared as numbers; `parseParameters` turns their digits into one before validating.
 */
import { z } from 'zod'
import { RANGES, type RangeName } from '../range.ts'

const MAX_ID = 2_147_483_647
const MAX_PATTERN_LENGTH = 512
const MAX_CURSOR_LENGTH = 512
const MAX_LIMIT = 500
const DEFAULT_LIMIT = 100

export const wholeNumber = (name: string, min: number, max: number) => {
  const error = `${name} is a whole number from ${min} to ${max}.`
  return z.int({ error }).min(min, { error }).max(max, { error })
}

// A time without a zone would mean another moment on every machine.
const ISO_TIME = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/
const isTime = (text: string) => {
  const at = /^\d{1,16}$/.test(text) ? Number(text) : ISO_TIME.test(text) ? Date.parse(text) : Number.NaN
  return at >= 0 && at <= 8.64e15
}
const time = (name: string) =>
  z.string().refine(isTime, {
    error: `${name} is a time: ISO 8601 with its zone (2026-01-31T12:00:00Z), or epoch milliseconds.`,
  })

export const cacheId = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, {
    error: 'cacheId is the name of a cache: small letters, digits and hyphens, at most 63.',
  })
  .meta({ description: "The cache's name in cachescope.yaml", example: 'shop' })
export const nodeId = wholeNumber('nodeId', 1, MAX_ID).meta({
  description: 'A node, as /api/v1/nodes lists it',
})
export const shardId = wholeNumber('shardId', 1, MAX_ID).meta({
  description: 'A shard, as /api/v1/caches/{cacheId}/shards lists it',
})
export const db = wholeNumber('db', 0, 65_535).meta({
  description: 'A database number; a cluster has only 0',
})
export const pattern = z
  .string()
  .max(MAX_PATTERN_LENGTH, { error: `pattern has at most ${MAX_PATTERN_LENGTH} characters.` })
  .meta({ description: 'A glob over the whole key: * is any run of bytes, ? is one', example: 'article:*' })

export const hotKeyOrder = z.enum(['rate', 'bytes'], { error: 'by is rate or bytes.' }).meta({
  description:
    'rate: the most commands per second first (the default); bytes: rate × size. Keys whose source cannot tell come last',
})
export const missing = z.enum(['true', 'false'], { error: 'missing is true or false.' }).meta({
  description:
    'true: only keys that do not exist; false: only keys that do. Keys that were not asked for are in neither',
})
export const heat = z
  .enum(['read-hot', 'write-hot', 'mixed'], { error: 'heat is read-hot, write-hot or mixed.' })
  .meta({ description: 'read-hot: at most 10% of its commands write it; write-hot: half of them or more' })
export const merge = z.enum(['cache'], { error: 'merge is cache, or left out.' }).meta({
  description:
    "Without it an item is a key on one node. cache: an item is a key over all nodes of its cache, with the sum of their rates, its share of the cache's commands, and nodeIds",
})

const limit = wholeNumber('limit', 1, MAX_LIMIT)
  .default(DEFAULT_LIMIT)
  .meta({ description: 'How many items a page has at most' })
const cursor = z
  .string()
  .max(MAX_CURSOR_LENGTH, { error: 'cursor is the nextCursor of the page before, unchanged.' })
  .meta({ description: 'nextCursor of the page before; without it, the first page' })
const rangeNames = Object.keys(RANGES) as [RangeName, ...RangeName[]]
const range = z
  .enum(rangeNames, { error: `range is one of ${rangeNames.join(', ')}.` })
  .meta({ description: 'The time until now; not together with from and to. Default: 15m' })
const from = time('from').meta({
  description: 'Start, at most 3650 days ago: ISO 8601 or epoch milliseconds',
})
const to = time('to').meta({
  description: 'End, default now, at most a day ahead: ISO 8601 or epoch milliseconds',
})

export const paging = { limit, cursor: cursor.optional() }
export const timeRange = { range: range.optional(), from: from.optional(), to: to.optional() }

export type FieldError = { field: string; message: string }
export type Parsed<T> = { ok: true; value: T } | { ok: false; errors: FieldError[] }

/**
 * Reads text parameters by `schema`. All problems at once: unknown, repeated, empty, of a wrong type, out of range.
 *
 * @param entries name and text as they stand in the URL, repetitions included
 */
export function parseParameters<S extends z.ZodRawShape>(
  schema: z.ZodObject<S>,
  entries: Iterable<[string, string]>,
): Parsed<z.output<z.ZodObject<S>>> {
  const errors: FieldError[] = []
  const input: Record<string, unknown> = Object.create(null)
  const known = Object.keys(schema.shape)
  for (const [name, text] of entries) {
    if (!known.includes(name)) errors.push({ field: name, message: unknownMessage(name, known) })
    else if (name in input) errors.push({ field: name, message: `${name} may be given only once.` })
    else input[name] = isNumber(schema.shape[name]) && /^-?\d{1,15}$/.test(text) ? Number(text) : text
    if (text === '' && known.includes(name)) {
      errors.push({ field: name, message: `${name} is empty. Give it a value or leave it out.` })
    }
  }
  const parsed = schema.safeParse(input)
  for (const issue of parsed.error?.issues ?? []) {
    const field = String(issue.path[0] ?? '')
    if (!errors.some((error) => error.field === field)) errors.push({ field, message: issue.message })
  }
  return parsed.success && errors.length === 0
    ? { ok: true, value: parsed.data }
    : { ok: false, errors: unique(errors) }
}

function isNumber(schema: unknown): boolean {
  let inner = schema
  while (inner instanceof z.ZodOptional || inner instanceof z.ZodDefault) inner = inner.unwrap()
  return inner instanceof z.ZodNumber
}

function unknownMessage(name: string, known: string[]): string {
  const shown = name.length > 64 ? `${name.slice(0, 64)}…` : name
  const offer = known.length === 0 ? 'This address takes none.' : `Known here: ${known.join(', ')}.`
  return `There is no parameter ${JSON.stringify(shown)}. ${offer}`
}

function unique(errors: FieldError[]): FieldError[] {
  const seen = new Set<string>()
  return errors.filter(({ field, message }) => {
    const line = `${field} ${message}`
    return seen.has(line) ? false : seen.add(line)
  })
}
