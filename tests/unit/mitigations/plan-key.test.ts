/** How a key action is planned at the node: by the guards of the preview, and as the preview has shown it. */
import { expect, test } from 'vitest'
import { NodeFailure } from '../../../collector/connection/failure.ts'
import type { ActionContext } from '../../../collector/mitigations/action.ts'
import { planKey } from '../../../collector/mitigations/actions/plan-key.ts'
import { SlotMap } from '../../../collector/mitigations/slot-map.ts'
import { previewMitigation } from '../../../core/mitigations/preview.ts'
import type { Topology } from '../../../core/sample.ts'
import { cacheConfig } from '../../support/action-context.ts'
import { mitigationFacts } from '../../support/mitigation-facts.ts'

const KEY = Buffer.from('article:42')
/** Slot 5605 is in the first half. */
const PRIMARY = '127.0.0.1:10'
const TIME = '2026-01-01T00:00:00.000Z'
const topology: Topology = {
  cacheId: 'shop',
  at: 0,
  shards: [1, 2].map((ordinal) => ({
    ordinal,
    slots: ordinal === 1 ? [[0, 8_191]] : [[8_192, 16_383]],
    nodes: [
      { address: `127.0.0.1:${ordinal}0`, role: 'primary', clusterNodeId: null },
      { address: `127.0.0.1:${ordinal}1`, role: 'replica', clusterNodeId: null },
    ],
  })),
}

type Options = {
  type?: string
  /** Default: it may be asked for. */
  isSizeDenied?: boolean
  lagSeconds: number | null
  shown?: 'copies' | 'replicas'
  overrides?: string[]
}

async function plan({ type = 'string', isSizeDenied = false, lagSeconds, shown, overrides = [] }: Options) {
  const target = { kind: 'key' as const, db: 0, keyBase64: KEY.toString('base64') }
  const draft = {
    cacheId: 'shop',
    action: 'replicate' as const,
    target,
    parameters: {},
    expiresInSeconds: 60,
  }
  const base = previewMitigation(
    mitigationFacts(),
    { ...draft, parameters: { by: 'copies', copies: null } },
    0,
  )
  const preview = shown === undefined ? null : { ...base, variants: shown === 'copies' ? [] : null }
  const call = async (command: string) => {
    if (command === 'MEMORY' && isSizeDenied)
      throw new NodeFailure({ state: 'denied', message: 'No.' }, 'NOPERM')
    return command === 'TYPE' ? type : command === 'PTTL' ? -2 : 100
  }
  const context: ActionContext = {
    mitigation: {
      ...{
        ...draft,
        parameters: { by: 'auto', copies: null },
        mitigationId: 1,
        label: 'article:42',
        overrides,
      },
      ...{
        phase: 'prepare',
        phaseSince: TIME,
        createdAt: TIME,
        requestedBy: 'ada',
        desired: 'on',
        actor: 'ada',
        reason: 'viral',
      },
      ...{ expiresAt: TIME, rev: 1, message: null, outcome: null, progress: null, acknowledgement: null },
      ...{ preview, proof: null, isMeasured: false },
    },
    cache: cacheConfig('cluster'),
    ...{ topology, shardOrdinals: new Map(), nodeAddresses: new Map(), others: [], state: null },
    ...{ now: () => 0, random: () => 0, reading: () => null, isSampled: true, acknowledgement: null },
    lagSeconds: (address) => (address === '127.0.0.1:11' ? lagSeconds : null),
    node: async (address) => ({ address, call, callBuffer: call }),
    step: (_options, run) => run(),
    saveState: async () => {},
    signal: new AbortController().signal,
  }
  return planKey(
    context,
    PRIMARY,
    new SlotMap(
      () => topology,
      () => {},
    ),
  )
}

test.each([
  [0, true],
  [2, true],
  [2.1, false],
  [null, false],
])('a replica that is %s s behind is read: %s', async (lagSeconds, isRead) => {
  const state = await plan({ lagSeconds })
  expect(state.plan?.replicaRead).toBe(isRead)
  expect(state.plan?.variants === null).toBe(isRead)
})

test.each<[number, Options['shown'], boolean]>([
  [0, 'replicas', true],
  [9, 'copies', true],
  [9, 'replicas', false],
  [0, 'copies', false],
])('%s s behind, with %s shown: it is done, %s', async (lagSeconds, shown, isDone) => {
  const state = await plan({ lagSeconds, shown })
  expect(state.refusal).toBe(isDone ? null : "The replica's state changed since the preview; look again.")
  expect(state.plan === null).toBe(!isDone)
})

test('a key that is gone is refused, whatever somebody takes on', async () => {
  expect((await plan({ type: 'none', lagSeconds: 0, overrides: ['missing'] })).refusal).toMatch(/not exist/)
})

test('a key whose size nobody may ask for is not copied, and read from a replica', async () => {
  expect((await plan({ isSizeDenied: true, lagSeconds: null })).refusal).toMatch(/\+memory\|usage/)
  const state = await plan({ isSizeDenied: true, lagSeconds: 0 })
  expect([state.refusal, state.plan?.replicaRead]).toEqual([null, true])
})
