/** What is done to a cluster during one round, drawn from a seed: the same seed, the same plan. */
import { OWN_READS_MS, promiseOf, type StalenessPromise } from '../../../core/mitigations/staleness.ts'
import { mulberry, type Random } from '../random-draws.ts'
import type { RegisterType } from './register-commands.ts'

export const FAULTS = [
  'kill-collector',
  'stop-collector',
  'kill-primary',
  'stop-primary',
  'kill-replica',
  'stop-replica',
  'cut-replication',
  'kill-trackers',
  'kill-connections',
  'cut-postgres',
] as const
export type FaultName = (typeof FAULTS)[number]

export type PlannedFault = {
  name: FaultName
  /** From the recovery of the one before. */
  afterMs: number
  lastsMs: number
  /** Which of several it hits: 0 to 1. */
  pick: number
}
export type PlannedMitigation = {
  how: MitigationKind
  /** From the end of the one before. */
  afterMs: number
  /** Active for so long, then drained. */
  holdMs: number
}
export type PlannedRegister = {
  name: string
  type: RegisterType
  /** How many processes write it. */
  writers: number
  mitigations: PlannedMitigation[]
}
export type Plan = {
  seed: number
  lengthMs: number
  /** It goes on until every fault was, and every kind of mitigation in force, however long a slow machine takes. */
  isWhole?: boolean
  registers: PlannedRegister[]
  faults: PlannedFault[]
}

export const MITIGATION_KINDS = {
  'local cache': request('local-cache', { ttlSeconds: 2, track: true, staleSeconds: 0 }),
  'local cache by time': request('local-cache', { ttlSeconds: 1, track: false, staleSeconds: 0 }),
  'local cache, served stale': request('local-cache', { ttlSeconds: 1, track: true, staleSeconds: 1 }),
  'replicate by replicas': request('replicate', { by: 'replicas', copies: null }),
  'replicate by copies': request('replicate', { by: 'copies', copies: null }),
  split: request('split', { variants: null, writeFanout: true }),
  'split in six, no fan-out': request('split', { variants: 6, writeFanout: false }),
} as const
export type MitigationKind = keyof typeof MITIGATION_KINDS

function request(action: 'local-cache' | 'replicate' | 'split', parameters: Record<string, unknown>) {
  return { action, parameters }
}

/** What the checker holds it to. */
export function promisedSpan(kind: MitigationKind) {
  const { worstMs, usualMs, readYourWrites } = promiseFor(kind)
  const isLocal = MITIGATION_KINDS[kind].action === 'local-cache'
  // What a process holds of a key it throws away as it writes it; a copy it may read again after a while.
  const ownReadsMs = readYourWrites ? (isLocal ? worstMs : OWN_READS_MS) : 0
  return { worstMs, usualMs, ownReadsMs }
}

function promiseFor(kind: MitigationKind): StalenessPromise {
  switch (kind) {
    case 'local cache':
      return promiseOf({ action: 'local-cache', ttlMs: 2_000, staleMs: 0, track: true })
    case 'local cache by time':
      return promiseOf({ action: 'local-cache', ttlMs: 1_000, staleMs: 0, track: false })
    case 'local cache, served stale':
      return promiseOf({ action: 'local-cache', ttlMs: 1_000, staleMs: 1_000, track: true })
    case 'replicate by replicas':
      // Of what is promised where nobody takes the collector's place: here somebody does.
      return { ...promiseOf({ action: 'replicate', by: 'replicas' }), worstMs: 10_000 }
    case 'replicate by copies':
      return promiseOf({ action: 'replicate', by: 'copies' })
    case 'split':
      return promiseOf({ action: 'split', writeFanout: true })
    case 'split in six, no fan-out':
      return promiseOf({ action: 'split', writeFanout: false })
  }
}

/** About a minute: every action, and the faults that decide. What is measured before a mitigation takes ten seconds. */
export const SHORT_PLAN: Plan = {
  seed: 1,
  lengthMs: 46_000,
  isWhole: true,
  registers: [
    register('plain', 'string', 1, []),
    register('local', 'string', 1, [['local cache', 0, 60_000]]),
    register('time', 'kept', 2, [['local cache by time', 0, 60_000]]),
    register('replicas', 'kept', 1, [['replicate by replicas', 0, 60_000]]),
    register('copies', 'hash', 1, [['replicate by copies', 0, 60_000]]),
    register('split', 'kept', 1, [
      ['split', 0, 8_000],
      ['split', 500, 60_000],
    ]),
    register('many', 'hash', 3, [['split in six, no fan-out', 0, 60_000]]),
  ],
  faults: [
    { name: 'kill-trackers', afterMs: 14_000, lastsMs: 0, pick: 0 },
    { name: 'kill-primary', afterMs: 1_500, lastsMs: 0, pick: 0.5 },
    { name: 'kill-collector', afterMs: 1_500, lastsMs: 1_000, pick: 0 },
    { name: 'stop-collector', afterMs: 1_500, lastsMs: 4_000, pick: 0 },
  ],
}

function register(
  name: string,
  type: RegisterType,
  writers: number,
  mitigations: [MitigationKind, number, number][],
): PlannedRegister {
  const planned = mitigations.map(([how, afterMs, holdMs]) => ({ how, afterMs, holdMs }))
  return { name, type, writers, mitigations: planned }
}

const TYPES: RegisterType[] = ['string', 'string', 'kept', 'hash']
const KINDS: MitigationKind[] = [
  'local cache',
  'local cache by time',
  'local cache, served stale',
  'replicate by replicas',
  'replicate by copies',
  'split',
  'split in six, no fan-out',
]

export function drawPlan(seed: number, lengthMs: number): Plan {
  const random = mulberry(seed)
  const between = (low: number, high: number) => Math.round(low + random() * (high - low))
  const registers = KINDS.map((how, index): PlannedRegister => {
    const mitigations: PlannedMitigation[] = []
    // More than there is time for: the round's end drains what is left.
    for (let at = 0; at < lengthMs; ) {
      const other = random() < 0.3 ? draw(KINDS, random) : how
      const one = { how: other, afterMs: between(0, 4_000), holdMs: between(2_000, 40_000) }
      mitigations.push(one)
      at += one.afterMs + one.holdMs
    }
    const writers = random() < 0.6 ? 1 : between(2, 3)
    return { name: `r${index}`, type: draw(TYPES, random), writers, mitigations }
  })
  const faults: PlannedFault[] = []
  for (let at = 0; at < lengthMs; at += 5_000) {
    const afterMs = between(500, 10_000)
    faults.push({ name: draw(FAULTS, random), afterMs, lastsMs: between(300, 8_000), pick: random() })
  }
  return { seed, lengthMs, registers: [...registers, register('plain', 'string', 2, [])], faults }
}

function draw<T>(choices: readonly T[], random: Random): T {
  const choice = choices[Math.floor(random() * choices.length)]
  if (choice === undefined) throw new Error('nothing to draw from')
  return choice
}
