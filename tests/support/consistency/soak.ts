/**
 * Rounds of random plans until the time is over: `node soak.ts --minutes N --seed S`. Exit codes: 0 all is as promised,
 * 1 a violation (its histories and the collectors' logs are kept).
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startEmbeddedPostgres } from '../../../bin/embedded-postgres.ts'
import { inRoot } from '../../../bin/paths.ts'
import { migrate } from '../../../store/migrate.ts'
import type { Verdict } from './checker.ts'
import { drawPlan } from './plan.ts'
import { runRound } from './round.ts'
import { addVerdicts, describePlan, describeVerdict } from './summary.ts'
import { startWorld } from './world.ts'

const ROUND_MS = 90_000
const print = (line: string) => void process.stdout.write(`${line}\n`)

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string', default: '1' } },
})
process.exitCode = await soak(Number(values.minutes) * 60_000, Number(values.seed))
process.exit()

async function soak(lengthMs: number, firstSeed: number): Promise<number> {
  const dataDir = await mkdtemp(join(tmpdir(), 'cachescope-soak-pg-'))
  const directory = inRoot('.cachescope/soak', String(firstSeed))
  await rm(directory, { recursive: true, force: true })
  await mkdir(directory, { recursive: true })
  const ends: (() => Promise<unknown>)[] = [() => rm(dataDir, { recursive: true, force: true })]
  const end = async () => {
    for (const one of ends.splice(0).reverse()) await one()
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void end().then(() => process.exit(130)))
  try {
    const settings = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }
    const postgres = await startEmbeddedPostgres({ dataDir, log: () => {}, settings })
    ends.push(() => postgres.stop())
    await migrate(postgres.url)
    const world = await startWorld(postgres.url, directory)
    ends.push(() => world.stop())
    const verdicts: Verdict[] = []
    const endsAt = performance.now() + lengthMs
    for (let seed = firstSeed; performance.now() < endsAt; seed++) {
      const plan = drawPlan(seed, Math.max(20_000, Math.min(ROUND_MS, endsAt - performance.now())))
      print(`\nround ${seed}: ${describePlan(plan)}\n`)
      const roundDirectory = join(directory, `round-${seed}`)
      await mkdir(roundDirectory)
      const { verdict } = await runRound(world, plan, {
        name: String(seed),
        directory: roundDirectory,
        print,
      })
      print(describeVerdict(verdict))
      verdicts.push(verdict)
      if (verdict.violations.length === 0) await rm(roundDirectory, { recursive: true, force: true })
      else print(`The histories of this round are kept in ${roundDirectory}`)
    }
    const sum = addVerdicts(verdicts)
    print(
      `\n${verdicts.length === 1 ? 'one round' : `${verdicts.length} rounds`}, seeds ${firstSeed} to ${firstSeed + verdicts.length - 1}, together:\n${describeVerdict(sum)}`,
    )
    if (sum.violations.length > 0) return 1
    await rm(directory, { recursive: true, force: true })
    return 0
  } finally {
    await end()
  }
}
