/** The fields of each action, their values as they are typed, and the parameters that these make. Pure. */
import type { MitigationAction } from '../../core/mitigations/model.ts'
import type { Choice, Subject } from './mitigation-subject.ts'

export type Values = Record<string, string | boolean>

export type Field = {
  name: string
  label: string
  hint?: string
  unit?: string
} & (
  | { kind: 'number'; min: number; max: number; step: number | 'any'; optional?: string }
  | { kind: 'text'; placeholder?: string }
  | { kind: 'flag' }
  | { kind: 'select'; options: { value: string; label: string }[] }
  /** Shards of the cache and replicas of the shard, which are known only when the form is shown. */
  | { kind: 'shard'; optional: string }
  | { kind: 'replica'; optional: string }
)

const EVICTION = ['allkeys-lru', 'allkeys-lfu', 'allkeys-random', 'volatile-lru', 'volatile-lfu'] as const
const MORE_EVICTION = ['volatile-random', 'volatile-ttl', 'noeviction'] as const

const FIELDS: Record<MitigationAction, Field[]> = {
  'local-cache': [
    { kind: 'number', name: 'ttlSeconds', label: 'Hold for', unit: 's', min: 0.5, max: 10, step: 0.5 },
    {
      kind: 'number',
      name: 'staleSeconds',
      label: 'Then serve stale for',
      unit: 's',
      min: 0,
      max: 10,
      step: 0.5,
      hint: 'While one read renews it',
    },
    { kind: 'flag', name: 'track', label: 'Invalidate as soon as it is written' },
  ],
  replicate: [
    {
      kind: 'select',
      name: 'by',
      label: 'Read from',
      options: [
        { value: 'auto', label: 'Replicas, else copies' },
        { value: 'replicas', label: 'Replicas of its shard' },
        { value: 'copies', label: 'Copies on other shards' },
      ],
    },
    { kind: 'number', name: 'copies', label: 'Copies', min: 2, max: 16, step: 1, optional: 'one a shard' },
  ],
  split: [
    {
      kind: 'number',
      name: 'variants',
      label: 'Variants',
      min: 2,
      max: 64,
      step: 1,
      optional: 'one a shard',
    },
    { kind: 'flag', name: 'writeFanout', label: 'Writers drop every copy after a write' },
  ],
  failover: [{ kind: 'replica', name: 'toNodeId', label: 'New primary', optional: 'The replica in sync' }],
  'move-slot': [
    { kind: 'number', name: 'slot', label: 'Slot', min: 0, max: 16_383, step: 1 },
    { kind: 'shard', name: 'toShardId', label: 'To', optional: 'The least loaded' },
  ],
  'spread-ttls': [
    {
      kind: 'text',
      name: 'pattern',
      label: 'Keys',
      placeholder: 'article:*',
      hint: 'A glob over whole keys',
    },
    { kind: 'number', name: 'spread', label: 'Cut by up to', unit: '%', min: 5, max: 50, step: 1 },
  ],
  'set-config': [
    {
      kind: 'select',
      name: 'name',
      label: 'Setting',
      options: [
        { value: 'maxmemory', label: 'maxmemory' },
        { value: 'maxmemory-policy', label: 'maxmemory-policy' },
      ],
    },
    { kind: 'number', name: 'bytes', label: 'Limit', unit: 'MiB', min: 1, max: 16_777_216, step: 'any' },
    {
      kind: 'select',
      name: 'policy',
      label: 'Evict by',
      options: [...EVICTION, ...MORE_EVICTION].map((value) => ({ value, label: value })),
    },
  ],
  'kill-client': [
    {
      kind: 'number',
      name: 'clientId',
      label: 'Client id',
      min: 1,
      max: Number.MAX_SAFE_INTEGER,
      step: 1,
      hint: 'As CLIENT LIST has it',
    },
  ],
  'deny-user': [{ kind: 'text', name: 'username', label: 'ACL user' }],
  'pause-writes': [
    { kind: 'number', name: 'pauseSeconds', label: 'Pause for', unit: 's', min: 1, max: 300, step: 1 },
  ],
}

const MIB = 1_048_576
const INITIAL: Record<MitigationAction, Values> = {
  'local-cache': { ttlSeconds: '2', staleSeconds: '0', track: true },
  replicate: { by: 'auto', copies: '' },
  split: { variants: '', writeFanout: true },
  failover: { toNodeId: '' },
  'move-slot': { slot: '', toShardId: '' },
  'spread-ttls': { pattern: '', spread: '10' },
  'set-config': { name: 'maxmemory', bytes: '', policy: 'allkeys-lru' },
  'kill-client': { clientId: '' },
  'deny-user': { username: '' },
  'pause-writes': { pauseSeconds: '10' },
}

/** The fields that stand in the form as it is filled. */
export function fieldsOf(action: MitigationAction, values: Values): Field[] {
  const fields = FIELDS[action]
  if (action === 'set-config') {
    return fields.filter(
      ({ name }) => name === 'name' || (name === 'bytes') === (values.name === 'maxmemory'),
    )
  }
  if (action === 'replicate' && values.by === 'replicas')
    return fields.filter(({ name }) => name !== 'copies')
  return fields
}

export function initialValues(choice: Choice, subject: Subject): Values {
  const values = { ...INITIAL[choice.action] }
  const slot = subject.key?.slot
  if (choice.action === 'move-slot' && slot !== undefined && slot !== null) values.slot = String(slot)
  return values
}

/** The values of a mitigation that is there, to ask for it again. */
export function valuesOf(action: MitigationAction, parameters: Record<string, unknown>): Values {
  const values = { ...INITIAL[action] }
  for (const [name, value] of Object.entries(parameters)) {
    if (typeof value === 'boolean') values[name] = value
    else if (value !== null && value !== undefined) values[name] = textOf(name, value)
  }
  return values
}

/** Who was meant by a client's id is gone, and the id may be another's; where it went then is where it is now. */
const OF_THAT_TIME = new Set(['clientId', 'toNodeId', 'toShardId'])

/** The values of one that is asked for again. */
export function repeatedValues(action: MitigationAction, parameters: Record<string, unknown>): Values {
  const kept = Object.entries(parameters).filter(([name]) => !OF_THAT_TIME.has(name))
  return valuesOf(action, Object.fromEntries(kept))
}

function textOf(name: string, value: unknown): string {
  if (name === 'bytes') return String(Number(value) / MIB)
  return name === 'spread' ? String(Math.round(Number(value) * 100)) : String(value)
}

/** What is sent: an empty field is left out where it has a default, and told by the server where it has none. */
export function parametersOf(action: MitigationAction, values: Values): Record<string, unknown> {
  const parameters: Record<string, unknown> = {}
  for (const field of fieldsOf(action, values)) {
    const value = values[field.name]
    if (typeof value === 'boolean') parameters[field.name] = value
    else if (value === undefined || value.trim() === '') continue
    else if (field.kind === 'text' || field.kind === 'select') parameters[field.name] = value
    else parameters[field.name] = numberOf(field.name, Number(value))
  }
  return parameters
}

function numberOf(name: string, value: number): number {
  if (name === 'bytes') return Math.round(value * MIB)
  return name === 'spread' ? value / 100 : value
}

/** Whether all that has no default is given: before that there is nothing to preview. */
export function isComplete(action: MitigationAction, values: Values): boolean {
  return fieldsOf(action, values).every((field) => {
    const value = values[field.name]
    return 'optional' in field && field.optional !== undefined
      ? true
      : typeof value === 'boolean' || value?.trim()
  })
}
