/** The end of a mitigation as its collector writes it. */
import { expect } from 'vitest'
import type { Store } from '../../store/client.ts'
import { acquireLeases } from '../../store/leases.ts'
import { savePhase } from '../../store/mitigation-progress.ts'
import { detailOf } from './mitigation-world.ts'

export const WRITER = { collectorId: 'me', cacheId: 'shop' }

export async function saveOff(store: Store, mitigationId: number, now = Date.now()): Promise<void> {
  await acquireLeases(store, 'me', ['shop'], 60_000)
  const { phase } = await detailOf(store, mitigationId)
  const to = { outcome: 'done' as const, message: null, event: 'split of a: is off.', now }
  expect(await savePhase(store, WRITER, { mitigationId, from: phase, to: 'off', ...to })).toBe(true)
}
