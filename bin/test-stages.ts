/** What `cachescope test` runs: each stage says how many of its checks or tests passed and failed, and what the failed ones printed. */
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { buildApp } from './build-app.ts'
import type { StageName } from './choices.ts'
import { explain } from './exit-codes.ts'
import { inRoot, NODE, STATE_DIRECTORY } from './paths.ts'
import { runCaptured } from './run-captured.ts'
import { withProgress } from './setup/progress.mjs'

export type StageResult = { passed: number; failed: number; output: string }

export const STAGES: Record<StageName, () => Promise<StageResult>> = {
  check: runChecks,
  unit: () => runVitest('unit'),
  integration: () => runVitest('integration'),
  e2e: runPlaywright,
}

/** Folders of ours; those that exist are cruised. */
const FOLDERS = ['app', 'bench', 'bin', 'collector', 'core', 'demo', 'store', 'tests']

type Check = { name: string; run: () => Promise<{ ok: boolean; output: string }> }

const CHECKS: Check[] = [
  { name: 'biome', run: () => runTool('@biomejs/biome/bin/biome', ['check', '--error-on-warnings', '.']) },
  { name: 'tsc', run: runTypeScript },
  { name: 'dependency-cruiser', run: runDependencyCruiser },
  { name: 'knip', run: () => runTool('knip/bin/knip.js', ['--no-progress']) },
]

async function runChecks(): Promise<StageResult> {
  const result: StageResult = { passed: 0, failed: 0, output: '' }
  for (const check of CHECKS) {
    const { ok, output } = await withProgress(`check: ${check.name}`, check.run)
    if (ok) result.passed++
    else {
      result.failed++
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

const VitestReport = z.object({
  numPassedTests: z.int(),
  numFailedTests: z.int(),
  numPendingTests: z.int(),
  numTodoTests: z.int(),
  testResults: z.array(z.object({ status: z.string(), assertionResults: z.array(z.unknown()) })),
})

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
      { onLine: note },
    ),
  )
  const report = readReport(path, VitestReport)
  if (report === null) return { passed: 0, failed: 1, output }
  // A file that does not load has no tests to fail; a skipped test has not passed.
  const brokenFiles = report.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  ).length
  const failed = report.numFailedTests + report.numPendingTests + report.numTodoTests + brokenFiles
  return complete({ passed: report.numPassedTests, failed, output }, code)
}

const PlaywrightReport = z.object({
  stats: z.object({ expected: z.int(), unexpected: z.int(), flaky: z.int(), skipped: z.int() }),
})

async function runPlaywright(): Promise<StageResult> {
  try {
    await buildApp()
  } catch (error) {
    return { passed: 0, failed: 1, output: explain(error).message }
  }
  const path = reportPath('e2e')
  const { code, output } = await withProgress('test: e2e', (note) =>
    runCaptured(NODE, [inRoot('node_modules/playwright/cli.js'), 'test', '--reporter=list,json'], {
      env: { ...process.env, PLAYWRIGHT_JSON_OUTPUT_FILE: path, PLAYWRIGHT_JSON_OUTPUT_NAME: path },
      onLine: note,
    }),
  )
  const report = readReport(path, PlaywrightReport)
  if (report === null) return { passed: 0, failed: 1, output }
  const { expected, unexpected, flaky, skipped } = report.stats
  return complete({ passed: expected, failed: unexpected + flaky + skipped, output }, code)
}

/** A stage that ended badly, or tested nothing, has failed whatever it counted. */
function complete(result: StageResult, code: number): StageResult {
  if (result.failed > 0) return result
  if (code !== 0) return { ...result, failed: 1 }
  if (result.passed === 0) return { ...result, failed: 1, output: `No test ran.\n${result.output}` }
  return result
}

function reportPath(stage: string): string {
  const folder = join(STATE_DIRECTORY, 'test')
  mkdirSync(folder, { recursive: true })
  const path = join(folder, `${stage}.json`)
  rmSync(path, { force: true })
  return path
}

function readReport<T>(path: string, schema: z.ZodType<T>): T | null {
  try {
    return schema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    return null
  }
}
