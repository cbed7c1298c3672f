/** kill -9 of the collector, and of the next one at the points of what is left: it was called off, or a server forgot it. */
import { it } from 'vitest'
import { killEverywhere } from '../../support/mitigation-kill.ts'
import { killCase } from '../../support/mitigation-kill-case.ts'
import { SERVER_CASES_AGAIN } from '../../support/mitigation-kill-servers.ts'
import { FAILOVERS_OFF, MOVES_OFF } from '../../support/mitigation-kill-shards.ts'

it('kill -9 of the collector at the points of ways back and of later looks', {
  timeout: 900_000,
}, async () => {
  await killEverywhere([...SERVER_CASES_AGAIN, ...FAILOVERS_OFF.map(killCase), ...MOVES_OFF.map(killCase)])
})
