/** The figures of a proof as rows: before, predicted, and the two windows after. Pure. */
import type { Measures, Proof } from '../../../../core/mitigations/measures.ts'
import type { Mitigation, ServerAction } from '../../../../core/mitigations/model.ts'
import type { Observed } from '../../../../core/mitigations/observed.ts'
import { HARM } from '../../../../core/mitigations/proof-limits.ts'
import {
  formatByteRate,
  formatBytes,
  formatCount,
  formatRate,
  formatShare,
  formatTimes,
  formatUs,
} from '../../../_lib/format.ts'

export type ProofRow = { name: string; before: string; predicted: string; after: [string, string] }

type Figure = {
  name: string
  read: (measures: Measures) => number | null
  format: (value: number | null) => string
  /** undefined: nothing is predicted of it. */
  predicted?: (mitigation: Mitigation) => number | null | undefined
  /** Only of a key's mitigation. */
  ofKey?: true
  /** Only where this holds. */
  stands?: (mitigation: Mitigation) => boolean
}

/** Reads of it go to the nodes of its shard: the shard answers as many as before. */
function isSharedByNodes({ action, preview }: Mitigation): boolean {
  return action === 'replicate' && preview?.nodes != null && preview.nodes.length > 0
}

/** What an action sees itself of whom it is aimed at. */
function seenBy(
  action: ServerAction,
  name: string,
  read: (observed: Observed) => number | null | undefined,
  format: (value: number | null) => string,
): Figure {
  return {
    name,
    read: ({ observed }) => (observed === undefined ? null : (read(observed) ?? null)),
    format: (value) => format(value),
    stands: (mitigation) => mitigation.action === action,
  }
}

const FIGURES: Figure[] = [
  {
    name: 'Busiest shard ÷ mean',
    read: (one) => one.hottestOverMean,
    format: formatTimes,
    predicted: ({ preview }) => preview?.hottestOverMeanAfter ?? null,
  },
  {
    name: 'The key at the servers',
    read: (one) => one.keyOpsPerSec,
    format: formatRate,
    // Of copies the prediction is of the key's own shard: not of all its names, which are counted here.
    predicted: ({ action, preview }) =>
      action === 'local-cache' ? (preview?.keyOpsPerSecAfter ?? null) : undefined,
    ofKey: true,
  },
  {
    name: 'The key on its primary',
    read: (one) => one.keyPrimaryOpsPerSec ?? null,
    format: formatRate,
    predicted: ({ preview }) => preview?.keyOpsPerSecAfter ?? null,
    ofKey: true,
    stands: isSharedByNodes,
  },
  {
    name: 'The key in the applications',
    read: (one) => one.keyReadsByAppPerSec,
    format: formatRate,
    ofKey: true,
  },
  { name: 'Answered in process', read: (one) => one.localHitsPerSec, format: formatRate, ofKey: true },
  { name: 'p99 of its reads', read: (one) => one.p99Us, format: formatUs, ofKey: true },
  {
    name: 'Timed reads that p99 is of',
    read: ({ p99Us, timedReads }) => (p99Us === null ? 0 : (timedReads ?? null)),
    format: (value) => formatCount(value),
    ofKey: true,
  },
  { name: 'CPU of its primary', read: (one) => one.cpuShare, format: formatShare, ofKey: true },
  { name: 'Sent by its primary', read: (one) => one.netOutBytesPerSec, format: formatByteRate, ofKey: true },
  { name: 'Hit rate of the cache', read: (one) => one.hitRate, format: formatShare },
  { name: 'Asked of the origin', read: (one) => one.missesPerSec, format: formatRate },
  seenBy('kill-client', 'Commands of the client', ({ client }) => client?.opsPerSec, formatRate),
  seenBy('kill-client', 'Output buffer of the client', ({ client }) => client?.outputBytes, formatBytes),
  seenBy('kill-client', 'Connections that came back', ({ client }) => client?.newer, formatCount),
  seenBy('deny-user', 'Connections of the user', ({ user }) => user?.connections, formatCount),
  seenBy('deny-user', 'Sign-ins refused in all', ({ user }) => user?.refusals, formatCount),
  seenBy('pause-writes', 'Changes of keys', ({ writes }) => writes?.changesPerSec, formatRate),
  seenBy(
    'pause-writes',
    'Changes of keys in the pause',
    ({ writes }) => writes?.held?.changesPerSec,
    formatRate,
  ),
  seenBy('pause-writes', 'Clients that wait', ({ writes }) => writes?.blockedClients, formatCount),
  {
    name: 'Processes that took part',
    read: (one) => one.instances,
    format: (value) => formatCount(value),
    predicted: ({ preview }) =>
      preview?.apps.reduce((sum, { instances, disabled = 0 }) => sum + instances - disabled, 0) ?? null,
    ofKey: true,
  },
]

export function proofRows(mitigation: Mitigation): ProofRow[] {
  const { proof, target } = mitigation
  const figures = FIGURES.filter(
    ({ ofKey, stands }) =>
      (target.kind === 'key' || ofKey === undefined) && (stands === undefined || stands(mitigation)),
  )
  return figures.map(({ name, read, format, predicted }) => {
    const shown = (measures: Measures | null | undefined) => (measures == null ? '' : format(read(measures)))
    const expected = predicted?.(mitigation)
    return {
      name,
      before: shown(proof?.before),
      predicted: expected === undefined ? '' : format(expected),
      after: [shown(proof?.after[0]), shown(proof?.after[1])],
    }
  })
}

/** Why how long readers waited is not known, or proves nothing; null where it is, or nothing was measured yet. */
export function waitsNote({ target, proof }: Pick<Mitigation, 'target' | 'proof'>): string | null {
  const before = proof?.before ?? null
  if (target.kind !== 'key' || before === null) return null
  const windows = [before, ...(proof?.after ?? [])]
  if (windows.every(({ p99Us }) => p99Us === null)) {
    return 'How long its readers wait is not known: no application that uses the library told of its reads.'
  }
  if ((before.timedReads ?? 0) > 0 && before.p99HighUs == null) {
    return 'p99 before is of the second or two of preparing alone: it is shown, and no harm is seen in a slower one.'
  }
  const isThin = windows.some(({ timedReads }) => (timedReads ?? 0) < HARM.p99.reads)
  return isThin
    ? `Of fewer than ${HARM.p99.reads} timed reads, before or after, p99 is shown and no harm is seen in it.`
    : null
}

/** What befell the cache while a window was measured, that is not of the mitigation; by the window's column. */
export function incidentNotes(proof: Proof | null): { window: string; incident: string }[] {
  const windows = [
    { window: 'Before.', incident: proof?.before?.incident },
    { window: 'After.', incident: proof?.after[0]?.incident },
    { window: 'Confirmed.', incident: proof?.after[1]?.incident },
  ]
  return windows.flatMap(({ window, incident }) => (incident == null ? [] : [{ window, incident }]))
}

/** What the verdict waits for, or that none will come. */
export function waitsFor({ phase, outcome, proof }: Pick<Mitigation, 'phase' | 'outcome' | 'proof'>): string {
  // What was done on the servers once and for all is measured on after its end.
  const isMeasuredOn = outcome === 'done' && proof !== null
  if (phase === 'off' && !isMeasuredOn) {
    return 'No verdict: it ended before it could be measured.'
  }
  if (proof === null || proof.before === null) {
    return 'The time before is measured first, then two windows after; the verdict follows.'
  }
  return proof.after.length === 0
    ? 'Waiting for the first window after it became active.'
    : 'The second window confirms the first; then the verdict is told.'
}
