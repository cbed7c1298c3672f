/** kill -9 of the collector at the points of every action on servers: another one finishes it. */
import { it } from 'vitest'
import { killEverywhere } from '../../support/mitigation-kill.ts'
import { killCase } from '../../support/mitigation-kill-case.ts'
import { SERVER_CASES } from '../../support/mitigation-kill-servers.ts'
import { FAILOVERS, MOVES } from '../../support/mitigation-kill-shards.ts'

it('kill -9 of the collector at the points of every action on servers', { timeout: 900_000 }, async () => {
  await killEverywhere([...SERVER_CASES, ...FAILOVERS.map(killCase), ...MOVES.map(killCase)])
})
