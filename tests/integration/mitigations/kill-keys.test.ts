/** kill -9 of the collector at the points of every action on a key: another one finishes it, and nothing of it is left. */
import { it } from 'vitest'
import { killEverywhere } from '../../support/mitigation-kill.ts'
import { KEY_CASES } from '../../support/mitigation-kill-keys.ts'

it('kill -9 of the collector at the points of every action on a key', { timeout: 900_000 }, async () => {
  await killEverywhere(KEY_CASES)
})
