/**
 * Reads a policy document of hk/1 by hand: the library has no room for a schema library. A document that cannot be
 * read is null, and everything passes through; of one that can, each policy that is not understood is left out alone.
 */
import {
  APP_NAME,
  COPY_NAME,
  isPolicyId,
  type KeyPolicy,
  type LocalPolicy,
  POLICY_LIMITS,
  type PolicyDocument,
  type PolicyPhase,
  PROTOCOL_VERSION,
  type VariantsPolicy,
} from './policy.ts'

const PHASES: readonly string[] = ['prepare', 'active', 'draining'] satisfies PolicyPhase[]
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const MAX_DB = 65_535

type Fields = Record<string, unknown>

/** @returns null for anything but a document of this version, whole in its own fields */
export function parsePolicyDocument(text: string): PolicyDocument | null {
  const document = parseJson(text)
  if (!isFields(document) || document.v !== PROTOCOL_VERSION) return null
  const { app, rev, issuedAt, leaseMs, kill, policies } = document
  if (!isText(app) || !APP_NAME.test(app) || !isInteger(rev, 0, Number.MAX_SAFE_INTEGER)) return null
  if (!isNumber(issuedAt, 0, Number.MAX_SAFE_INTEGER) || !isNumber(leaseMs, 1, Number.MAX_SAFE_INTEGER)) {
    return null
  }
  if (typeof kill !== 'boolean' || !Array.isArray(policies)) return null
  return {
    v: PROTOCOL_VERSION,
    app,
    rev,
    issuedAt,
    leaseMs: Math.min(leaseMs, POLICY_LIMITS.leaseMs),
    kill,
    policies: policies
      .map((policy) => parsePolicy(policy, issuedAt))
      .filter((policy) => policy !== null)
      .filter(isFirstOfItsKind)
      .slice(0, POLICY_LIMITS.policies),
  }
}

function parsePolicy(policy: unknown, issuedAt: number): KeyPolicy | null {
  if (!isFields(policy)) return null
  const { id, phase, db, keyBase64, expiresAt, replicaRead } = policy
  if (!isText(id) || !isPolicyId(id) || !isPhase(phase) || !isInteger(db, 0, MAX_DB) || !isKey(keyBase64))
    return null
  if (!isNumber(expiresAt, 0, issuedAt + POLICY_LIMITS.lifeMs) || typeof replicaRead !== 'boolean')
    return null
  const local = parseLocal(policy.local)
  const variants = parseVariants(policy.variants, keyBase64)
  if (local === undefined || variants === undefined) return null
  return { id, phase, db, keyBase64, expiresAt, local, variants, replicaRead }
}

/** @returns undefined when it is not understood */
function parseLocal(local: unknown): LocalPolicy | null | undefined {
  if (local === null || local === undefined) return null
  if (!isFields(local)) return undefined
  const { ttlMs, jitter, maxBytes, track, staleMs } = local
  const isRight =
    isNumber(ttlMs, 1, POLICY_LIMITS.localTtlMs) &&
    isNumber(jitter, 0, 0.5) &&
    isNumber(maxBytes, 1, POLICY_LIMITS.valueBytes) &&
    typeof track === 'boolean' &&
    isNumber(staleMs, 0, POLICY_LIMITS.localStaleMs)
  return isRight ? { ttlMs, jitter, maxBytes, track, staleMs } : undefined
}

/** @returns undefined when it is not understood */
function parseVariants(variants: unknown, keyBase64: string): VariantsPolicy | null | undefined {
  if (variants === null || variants === undefined) return null
  if (!isFields(variants)) return undefined
  const { keysBase64, writeFanout } = variants
  if (!Array.isArray(keysBase64) || typeof writeFanout !== 'boolean') return undefined
  if (keysBase64.length === 0 || keysBase64.length > POLICY_LIMITS.variants) return undefined
  const isName = (name: unknown) => isKey(name) && (name === keyBase64 || COPY_NAME.test(atob(name)))
  return keysBase64.every(isName) ? { keysBase64, writeFanout } : undefined
}

function isFirstOfItsKind(policy: KeyPolicy, index: number, all: KeyPolicy[]): boolean {
  const same = (other: KeyPolicy) =>
    other.id === policy.id || (other.db === policy.db && other.keyBase64 === policy.keyBase64)
  return all.findIndex(same) === index
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isText = (value: unknown): value is string => typeof value === 'string'
const isPhase = (value: unknown): value is PolicyPhase => typeof value === 'string' && PHASES.includes(value)
const isNumber = (value: unknown, min: number, max: number): value is number =>
  typeof value === 'number' && value >= min && value <= max
const isInteger = (value: unknown, min: number, max: number): value is number =>
  Number.isInteger(value) && isNumber(value, min, max)

function isKey(value: unknown): value is string {
  if (typeof value !== 'string' || value.length === 0) return false
  const padding = value.endsWith('==') ? 2 : value.endsWith('=') ? 1 : 0
  return (value.length / 4) * 3 - padding <= POLICY_LIMITS.keyBytes && BASE64.test(value)
}
