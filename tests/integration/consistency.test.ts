/**
 * Several application processes read and write through mitigations, the death of collectors and of a primary, and
 * drains; everything they saw is checked. For longer, and at random: npm run soak.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { SHORT_PLAN } from '../support/consistency/plan.ts'
import { runRound } from '../support/consistency/round.ts'
import { describeVerdict } from '../support/consistency/summary.ts'
import { startWorld } from '../support/consistency/world.ts'
import { createTestDatabase } from '../support/postgres.ts'

it('keeps every promise of staleness while collectors, a primary and connections die', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'cachescope-history-'))
  const database = await createTestDatabase()
  const world = await startWorld(database.url, directory)
  const lines: string[] = []
  try {
    const { verdict, mitigations } = await runRound(world, SHORT_PLAN, {
      name: 'test',
      directory,
      print: (line) => lines.push(line),
    })
    const said = `${lines.join('\n')}\n${describeVerdict(verdict)}`
    expect(verdict.violations, said).toEqual([])
    // A run that mitigated nothing, or broke nothing, would prove nothing.
    const wanted = new Set(
      SHORT_PLAN.registers.flatMap((register) => register.mitigations.map(({ how }) => how)),
    )
    const active = new Set(
      mitigations.flatMap(({ how, activeAfterMs }) => (activeAfterMs === null ? [] : [how])),
    )
    expect(active, said).toEqual(wanted)
    const planned = Object.keys(verdict.faults).filter((name) => name !== 'unplanned-failover')
    expect(planned.toSorted(), said).toEqual(SHORT_PLAN.faults.map(({ name }) => name).toSorted())
    for (const how of wanted) expect(verdict.actions[how]?.reads, said).toBeGreaterThan(500)
    // Copies and processes that hold values are behind now and then: they were read.
    const stale = Object.entries(verdict.actions).flatMap(([name, { stale }]) => (stale > 0 ? [name] : []))
    expect(stale, said).toEqual(expect.arrayContaining(['local cache by time', 'split in six, no fan-out']))
  } finally {
    await world.stop()
    await database.drop()
    await rm(directory, { recursive: true, force: true })
  }
}, 480_000)
