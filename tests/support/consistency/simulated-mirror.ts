/** A base key with a copy, in virtual time: the mirror as it should be, and with one mistake at a time. */
import { mulberry } from '../random-draws.ts'
import type { Fault, HistoryEvent, Span } from './history.ts'

export const MISTAKES = [
  'none',
  /** The base is gone, and the copy stays. */
  'never deletes',
  /** What changed while the owner was away is not looked for when it is back, and the copy is kept alive. */
  'renews what it has not compared',
  /** A copy outlives its owner by a minute. */
  'lives too long',
  /** A reader that misses the copy writes it, and nobody owns that one. */
  'reader fills',
  /** A copy that was missed is answered as a missing key. */
  'miss is an answer',
  /** The base is written with what the copy has. */
  'writes back',
] as const
export type Mistake = (typeof MISTAKES)[number]

const KEY = 'k'
const LENGTH_MS = 60_000
const COPY_MS = 5_000
const RENEW_MS = 1_000
const AWAY_MS: [number, number] = [20_000, 32_000]

type Copy = { value: string; expiresMs: number } | null

export function simulateMirror(mistake: Mistake, seed: number): HistoryEvent[] {
  const random = mulberry(seed)
  const history: HistoryEvent[] = []
  let base: string | null = null
  let copy: Copy = null
  let copyDueMs = Number.POSITIVE_INFINITY
  let written = 0
  const lifeMs = mistake === 'lives too long' ? 60_000 : COPY_MS
  const mirror = (now: number) => {
    if (base !== null) copy = { value: base, expiresMs: now + lifeMs }
    else if (mistake !== 'never deletes') copy = null
  }
  for (let now = 0; now < LENGTH_MS; now++) {
    const isAway = now >= AWAY_MS[0] && now < AWAY_MS[1]
    if (copy !== null && copy.expiresMs <= now) copy = null
    if (random() < 1 / 400 && now < LENGTH_MS - 10_000) {
      base = random() < 0.3 ? null : `${KEY}#${++written}`
      copyDueMs = now + 1 + Math.floor(random() * 20)
      history.push({
        ...{ kind: 'write', process: 'w', via: 'library', key: KEY, value: base, outcome: 'ok' },
        ...{ expiresInMs: null, how: 'SET', invokedUs: now * 1_000, returnedUs: now * 1_000 + 300 },
      })
    }
    if (!isAway && now >= copyDueMs) {
      mirror(now)
      copyDueMs = Number.POSITIVE_INFINITY
    }
    if (isAway && mistake !== 'renews what it has not compared') copyDueMs = AWAY_MS[1]
    if (isAway && mistake === 'renews what it has not compared') {
      copyDueMs = Number.POSITIVE_INFINITY
      if (copy !== null) copy.expiresMs = now + COPY_MS
    }
    if (!isAway && now % RENEW_MS === 0 && copy !== null) copy.expiresMs = now + lifeMs
    if (mistake === 'writes back' && random() < 0.05 && copy !== null) base = copy.value
    if (now % 5 === 2) {
      const isOfCopy = random() < 0.5
      let value = isOfCopy && copy !== null ? copy.value : base
      if (isOfCopy && copy === null && mistake === 'miss is an answer') value = null
      if (isOfCopy && copy === null && mistake === 'reader fills' && base !== null) {
        copy = { value: base, expiresMs: now + 60_000 }
      }
      history.push(read('library', value, now), read('bare', base, now))
    }
  }
  const fault: Fault = {
    kind: 'fault',
    name: 'kill-collector',
    target: 'owner',
    mayLose: [],
    ...times(AWAY_MS),
  }
  const span: Span = {
    ...{ kind: 'span', mitigationId: 1, action: 'split', key: KEY, fromUs: 0, toUs: LENGTH_MS * 1_000 },
    ...{ worstMs: COPY_MS, usualMs: 1_000, ownReadsMs: 0 },
  }
  return [...history, fault, span]
}

function read(via: 'library' | 'bare', value: string | null, now: number): HistoryEvent {
  return {
    ...{ kind: 'read', process: via, via, key: KEY, value, how: 'GET' },
    ...{ invokedUs: now * 1_000 + 400, returnedUs: now * 1_000 + 600 },
  }
}

const times = ([from, to]: [number, number]) => ({ startedUs: from * 1_000, endedUs: to * 1_000 })
