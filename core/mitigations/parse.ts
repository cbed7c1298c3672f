/**
 * Bodies that ask for mitigations, from whoever sends them: every problem at once, each with its field and what to do.
 * Nothing of what was sent is repeated but names of fields.
 */
import { z } from 'zod'
import { cacheId, type FieldError, type Parsed } from '../api/parameters.ts'
import { POLICY_LIMITS } from '../protocol/policy.ts'
import {
  MitigationAction,
  MitigationChange,
  MitigationDraft,
  MitigationRequest,
  type MitigationTarget,
  TARGETS,
} from './model.ts'
import { PARAMETERS } from './parameters.ts'

const MAX_OVERRIDES = 32
const MAX_OVERRIDE_LENGTH = 64

const overrides = z.array(z.string().min(1).max(MAX_OVERRIDE_LENGTH)).max(MAX_OVERRIDES).default([])
const RequestBody = z.strictObject({ ...MitigationRequest.shape, cacheId, overrides })
/** What a preview is of may come with the rest of the form. */
const DraftBody = z.strictObject({
  ...MitigationDraft.shape,
  cacheId,
  actor: z.unknown().optional(),
  reason: z.unknown().optional(),
  overrides: z.unknown().optional(),
  dryRun: z.unknown().optional(),
})
const ChangeBody = z.strictObject(MitigationChange.shape)

export function parseMitigationRequest(body: unknown): Parsed<MitigationRequest> {
  return parseWhole(RequestBody, Object.keys(RequestBody.shape), body)
}

export function parseMitigationDraft(body: unknown): Parsed<MitigationDraft> {
  const parsed = parseWhole(DraftBody, Object.keys(DraftBody.shape), body)
  if (!parsed.ok) return parsed
  const { cacheId: id, action, target, parameters, expiresInSeconds } = parsed.value
  return { ok: true, value: { cacheId: id, action, target, parameters, expiresInSeconds } }
}

export function parseMitigationChange(body: unknown): Parsed<MitigationChange> {
  const parsed = ChangeBody.safeParse(body)
  const errors = [...issuesToErrors(parsed.error, [], Object.keys(ChangeBody.shape)), ...unstorable(body)]
  return parsed.success && errors.length === 0
    ? { ok: true, value: parsed.data }
    : { ok: false, errors: onePerField(errors) }
}

/** What two running mitigations of a cache may not share: the unique index of their table is over it. */
export function targetKeyOf(draft: Pick<MitigationDraft, 'action' | 'target' | 'parameters'>): string {
  const { action, target, parameters } = draft
  switch (target.kind) {
    case 'key':
      return `key ${target.db} ${target.keyBase64}`
    case 'shard':
      return `shard ${target.shardId}`
    case 'node':
      return ofNode(action, target.nodeId, parameters)
    case 'cache':
      return ofCache(action, parameters)
  }
}

function ofNode(action: MitigationAction, nodeId: number, parameters: Record<string, unknown>): string {
  if (action === 'kill-client') return `client ${nodeId} ${parameters.clientId}`
  return action === 'set-config' ? `config ${parameters.name} ${nodeId}` : `node ${nodeId}`
}

function ofCache(action: MitigationAction, parameters: Record<string, unknown>): string {
  if (action === 'move-slot') return `slot ${parameters.slot}`
  if (action === 'deny-user') return `user ${parameters.username}`
  if (action === 'spread-ttls') return `ttls ${parameters.pattern}`
  return action === 'set-config' ? `config ${parameters.name}` : 'cache'
}

function parseWhole<T extends MitigationDraft>(
  schema: z.ZodType<T>,
  known: string[],
  body: unknown,
): Parsed<T> {
  const parsed = schema.safeParse(body)
  const errors = [...issuesToErrors(parsed.error, [], known), ...unstorable(body)]
  const action = MitigationAction.safeParse(fieldOf(body, 'action'))
  // Also where something else is wrong: a form shows all of its problems at once.
  const given = fieldOf(body, 'parameters') ?? {}
  const own = action.success ? PARAMETERS[action.data].safeParse(given) : null
  if (action.success && own) {
    errors.push(...issuesToErrors(own.error, ['parameters'], parameterNames(action.data)))
    errors.push(...targetErrors(action.data, fieldOf(body, 'target')))
  }
  if (!parsed.success || !own?.success || errors.length > 0) return { ok: false, errors: onePerField(errors) }
  const { target } = parsed.data
  return {
    ok: true,
    value: { ...parsed.data, parameters: { ...own.data }, target: canonical(target) },
  }
}

/** One key has one name in base64, whatever its unused bits were. */
function canonical(target: MitigationTarget): MitigationTarget {
  return target.kind === 'key' ? { ...target, keyBase64: btoa(atob(target.keyBase64)) } : target
}

function targetErrors(action: MitigationAction, target: unknown): FieldError[] {
  const kind = fieldOf(target, 'kind')
  const allowed = TARGETS[action]
  if (typeof kind === 'string' && !allowed.some((one) => one === kind)) {
    return [{ field: 'target.kind', message: `${action} is aimed at a ${allowed.join(' or a ')}.` }]
  }
  const keyBase64 = fieldOf(target, 'keyBase64')
  if (kind === 'key' && typeof keyBase64 === 'string') {
    const most = POLICY_LIMITS.keyBytes
    if (keyBase64.length > Math.ceil(most / 3) * 4) {
      return [{ field: 'target.keyBase64', message: `A key of more than ${most} bytes cannot be mitigated.` }]
    }
  }
  return []
}

function parameterNames(action: MitigationAction): string[] {
  const schema: z.ZodType = PARAMETERS[action]
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : ['name', 'bytes', 'policy']
}

function issuesToErrors(error: z.ZodError | undefined, under: string[], known: string[]): FieldError[] {
  return (error?.issues ?? []).flatMap((issue) => {
    const field = [...under, ...issue.path.map(String)].join('.')
    if (issue.code !== 'unrecognized_keys') return [{ field, message: messageOf(issue, field) }]
    const offer = issue.path.length === 0 ? ` Known here: ${known.join(', ')}.` : ' Leave it out.'
    return issue.keys.map((key) => {
      const shown = key.length > 64 ? `${key.slice(0, 64)}…` : key
      const name = [field, shown].filter((part) => part !== '').join('.')
      return { field: name, message: `There is no field ${JSON.stringify(shown)}.${offer}` }
    })
  })
}

function messageOf(issue: z.core.$ZodIssue, field: string): string {
  const what = field === '' ? 'The body' : field
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined && field !== '' && /received undefined/.test(issue.message)
        ? `${what} is missing. Give it ${article(issue.expected)}.`
        : `${what} is ${article(issue.expected)}.`
    case 'too_small':
      return issue.origin === 'string' || issue.origin === 'array'
        ? `${what} is empty or too short. Give it at least ${issue.minimum}.`
        : `${what} is ${issue.minimum} or more.`
    case 'too_big':
      return issue.origin === 'string' || issue.origin === 'array'
        ? `${what} has more than ${issue.maximum}. Shorten it.`
        : `${what} is ${issue.maximum} or less.`
    case 'invalid_value':
      return `${what} is one of ${issue.values.map(String).join(', ')}.`
    case 'invalid_union':
      return `${what} is none of the kinds there are. See the API's description at /api/v1/openapi.json.`
    case 'invalid_format':
      return issue.format === 'base64' ? `${what} is base64 with its padding.` : issue.message
    default:
      return issue.message
  }
}

function article(expected: string): string {
  if (expected === 'int' || expected === 'number') return expected === 'int' ? 'a whole number' : 'a number'
  if (expected === 'record' || expected === 'object') return 'a JSON object'
  if (expected === 'array') return 'a list'
  return expected === 'string' ? 'a text' : `a ${expected}`
}

/** PostgreSQL keeps neither NUL nor half a surrogate pair. */
function unstorable(value: unknown, field = '', depth = 0): FieldError[] {
  if (typeof value === 'string') {
    return value.includes('\0') || !value.isWellFormed()
      ? [{ field, message: `${field} has a character that cannot be kept. Write it without it.` }]
      : []
  }
  if (typeof value !== 'object' || value === null || depth > 3) return []
  return Object.entries(value)
    .slice(0, 100)
    .flatMap(([name, one]) => unstorable(one, field === '' ? name : `${field}.${name}`, depth + 1))
}

function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  return Object.entries(value).find(([key]) => key === name)?.[1]
}

function onePerField(errors: FieldError[]): FieldError[] {
  return [...new Map(errors.toReversed().map((error) => [error.field, error])).values()].toReversed()
}
