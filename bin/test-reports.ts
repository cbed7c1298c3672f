/** What vitest and Playwright report of a run as JSON: how many of their tests passed and failed, and which failed why. */
import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { z } from 'zod'
import { ROOT } from './paths.ts'

/** `failures`: one line each, where it stands, its name and the first line of why. */
export type TestCounts = { passed: number; failed: number; failures: string[] }

const LONGEST_REASON = 300

const VitestReport = z.object({
  numPassedTests: z.int(),
  numFailedTests: z.int(),
  numPendingTests: z.int(),
  numTodoTests: z.int(),
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string().optional(),
      assertionResults: z.array(
        z.object({
          fullName: z.string(),
          status: z.string(),
          failureMessages: z.array(z.string()).nullish(),
        }),
      ),
    }),
  ),
})

/** @returns null where there is no report, or one of another shape */
export function readVitestReport(path: string): TestCounts | null {
  const report = readReport(path, VitestReport)
  if (report === null) return null
  // A file that does not load has no tests to fail; a skipped test has not passed.
  const broken = report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
  )
  const failures = report.testResults.flatMap(({ name, message, assertionResults }) =>
    assertionResults
      .filter(({ status }) => status !== 'passed')
      .map(({ fullName, status, failureMessages }) =>
        failureLine(relative(ROOT, name), fullName, failureMessages?.[0] || message || status),
      ),
  )
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + report.numPendingTests + report.numTodoTests + broken.length,
    failures: [
      ...broken.map(({ name, message }) =>
        failureLine(relative(ROOT, name), 'the file', message || 'it did not load'),
      ),
      ...failures,
    ],
  }
}

const Spec = z.object({
  title: z.string(),
  file: z.string(),
  line: z.int(),
  tests: z.array(
    z.object({
      status: z.string(),
      results: z.array(z.object({ error: z.object({ message: z.string().optional() }).optional() })),
    }),
  ),
})
type Suite = { specs?: z.infer<typeof Spec>[]; suites?: Suite[] }
const Suite: z.ZodType<Suite> = z.lazy(() =>
  z.object({ specs: z.array(Spec).optional(), suites: z.array(Suite).optional() }),
)
const PlaywrightReport = z.object({
  stats: z.object({ expected: z.int(), unexpected: z.int(), flaky: z.int(), skipped: z.int() }),
  suites: z.array(Suite),
})

/** @returns null where there is no report, or one of another shape */
export function readPlaywrightReport(path: string): TestCounts | null {
  const report = readReport(path, PlaywrightReport)
  if (report === null) return null
  const { expected, unexpected, flaky, skipped } = report.stats
  const specs = (suite: Suite): z.infer<typeof Spec>[] => [
    ...(suite.specs ?? []),
    ...(suite.suites ?? []).flatMap(specs),
  ]
  const failures = report.suites.flatMap(specs).flatMap(({ title, file, line, tests }) =>
    tests
      .filter(({ status }) => status !== 'expected')
      .map(({ status, results }) => {
        const message = results.find(({ error }) => error !== undefined)?.error?.message
        return failureLine(`tests/e2e/${file}:${line}`, title, message ?? status)
      }),
  )
  return { passed: expected, failed: unexpected + flaky + skipped, failures }
}

export function failureLine(where: string, name: string, why: string): string {
  const [reason = ''] = stripVTControlCharacters(why).trim().split('\n')
  return `${where} > ${name}: ${reason.slice(0, LONGEST_REASON)}`
}

function readReport<T>(path: string, schema: z.ZodType<T>): T | null {
  try {
    return schema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    return null
  }
}
