/** What `cachescope test` runs: each stage says how many of its checks or tests passed and failed, and what the failed ones printed. */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { buildApp } from './build-app.ts'
import type { StageName } from './choices.ts'
import { explain } from './exit-codes.ts'
import { inRoot, NODE, STATE_DIRECTORY } from './paths.ts'
import { runCaptured } from './run-captured.ts'
import { withProgress } from './setup/progress.mjs'
import { failureLine, readPlaywrightReport, readVitestReport, type TestCounts } from './test-reports.ts'

/** `output`: what was printed; empty where nothing failed, or of no use then. */
export type StageResult = TestCounts & { output: string }

export const STAGES: Record<StageName, () => Promise<StageResult>> = {
  check: runChecks,
  unit: () => runVitest('unit'),
  integration: async () => add(await runVitest('integration'), await runVitest('alone')),
  e2e: runPlaywright,
}

/** Folders of ours; those that exist are cruised. */
const FOLDERS = ['app', 'bench', 'bin', 'client', 'collector', 'core', 'demo', 'store', 'tests']

/** Tests start hundreds of processes of ours: what one has compiled the next one need not. */
const withCompileCache = (): NodeJS.ProcessEnv => ({
  NODE_COMPILE_CACHE: join(STATE_DIRECTORY, 'compile-cache'),
  ...process.env,
})

type Check = { name: string; run: () => Promise<{ ok: boolean; output: string }> }

const CHECKS: Check[] = [
  { name: 'biome', run: () => runTool('@biomejs/biome/bin/biome', ['check', '--error-on-warnings', '.']) },
  { name: 'tsc', run: runTypeScript },
  { name: 'dependency-cruiser', run: runDependencyCruiser },
  { name: 'knip', run: () => runTool('knip/bin/knip.js', ['--no-progress']) },
]

async function runChecks(): Promise<StageResult> {
  const result: StageResult = { passed: 0, failed: 0, failures: [], output: '' }
  for (const check of CHECKS) {
    const { ok, output } = await withProgress(`check: ${check.name}`, check.run)
    if (ok) result.passed++
    else {
      result.failed++
      result.failures.push(failureLine('check', check.name, output))
      result.output += `${check.name} failed:\n${output.trim()}\n\n`
    }
  }
  return result
}

/** A tool's own entry file, run on our Node: whatever is first on the path, this is the one of the lock file. */
async function runTool(entry: string, args: string[]): Promise<{ ok: boolean; output: string }> {
  const { code, output } = await runCaptured(NODE, [inRoot('node_modules', entry), ...args])
  return { ok: code === 0, output }
}

async function runTypeScript(): Promise<{ ok: boolean; output: string }> {
  // The routes' types are generated: without them a fresh clone does not compile.
  const types = await runTool('next/dist/bin/next', ['typegen'])
  return types.ok ? runTool('typescript/bin/tsc', ['--noEmit']) : types
}

async function runDependencyCruiser(): Promise<{ ok: boolean; output: string }> {
  const result = await runTool('dependency-cruiser/bin/dependency-cruiser.mjs', [
    '--config',
    '.dependency-cruiser.cjs',
    ...FOLDERS,
  ])
  const modules = Number(/(\d+) modules/.exec(result.output)?.[1] ?? 0)
  if (result.ok && modules === 0)
    return { ok: false, output: `It looked at no module at all.\n${result.output}` }
  return result
}

function add(one: StageResult, other: StageResult): StageResult {
  return {
    passed: one.passed + other.passed,
    failed: one.failed + other.failed,
    failures: [...one.failures, ...other.failures],
    output: [one, other].flatMap(({ failed, output }) => (failed > 0 ? [output] : [])).join('\n\n'),
  }
}

/** @param project of vitest.config.ts */
async function runVitest(project: string): Promise<StageResult> {
  const path = reportPath(project)
  const { code, output } = await withProgress(`test: ${project}`, (note) =>
    runCaptured(
      NODE,
      [
        inRoot('node_modules/vitest/vitest.mjs'),
        'run',
        '--project',
        project,
        '--reporter=default',
        '--reporter=json',
        `--outputFile.json=${path}`,
      ],
      { env: withCompileCache(), onLine: note },
    ),
  )
  return complete(project, readVitestReport(path), { code, output })
}

async function runPlaywright(): Promise<StageResult> {
  try {
    await buildApp()
  } catch (error) {
    const { message } = explain(error)
    return {
      passed: 0,
      failed: 1,
      failures: [failureLine('e2e', 'the build of the dashboard', message)],
      output: message,
    }
  }
  const path = reportPath('e2e')
  const { code, output } = await withProgress('test: e2e', (note) =>
    runCaptured(NODE, [inRoot('node_modules/playwright/cli.js'), 'test', '--reporter=list,json'], {
      env: { ...withCompileCache(), PLAYWRIGHT_JSON_OUTPUT_FILE: path, PLAYWRIGHT_JSON_OUTPUT_NAME: path },
      onLine: note,
    }),
  )
  return complete('e2e', readPlaywrightReport(path), { code, output })
}

/** A stage that reported nothing, ended badly, or tested nothing, has failed whatever it counted. */
function complete(
  stage: string,
  counts: TestCounts | null,
  { code, output }: { code: number; output: string },
): StageResult {
  const result = { passed: 0, failed: 0, failures: [], ...counts, output }
  if (result.failed > 0) return result
  const failedBy = (why: string) => ({ ...result, failed: 1, failures: [failureLine(stage, 'the run', why)] })
  if (counts === null) return failedBy(`it ended with code ${code} and without a report`)
  if (code !== 0) return failedBy(`it ended with code ${code}, as of an error outside the tests`)
  if (result.passed === 0) return { ...failedBy('no test ran'), output: `No test ran.\n${output}` }
  return result
}

function reportPath(stage: string): string {
  const folder = join(STATE_DIRECTORY, 'test')
  mkdirSync(folder, { recursive: true })
  const path = join(folder, `${stage}.json`)
  rmSync(path, { force: true })
  return path
}
