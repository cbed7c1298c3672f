import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { inRoot } from '../../../bin/paths.ts'
import { readPlaywrightReport, readVitestReport } from '../../../bin/test-reports.ts'

const directory = mkdtempSync(join(tmpdir(), 'cachescope-reports-'))
afterAll(() => rmSync(directory, { recursive: true }))

function reportOf(content: unknown): string {
  const path = join(directory, 'report.json')
  writeFileSync(path, JSON.stringify(content))
  return path
}

test("of vitest's report: each failed test with the first line of why, and files that do not load", () => {
  const path = reportOf({
    ...{ numPassedTests: 1, numFailedTests: 1, numPendingTests: 1, numTodoTests: 0 },
    testResults: [
      {
        ...{ name: inRoot('tests/unit/a.test.ts'), status: 'failed', message: '' },
        assertionResults: [
          { fullName: 'a holds', status: 'passed', failureMessages: [] },
          {
            ...{ fullName: 'a falls', status: 'failed' },
            failureMessages: ['\u001b[31mAssertionError\u001b[39m: expected 1 to be 2\n    at line 3'],
          },
        ],
      },
      {
        ...{ name: inRoot('tests/unit/b.test.ts'), status: 'failed', message: 'no server\nat line 1' },
        assertionResults: [{ fullName: 'b waits', status: 'skipped', failureMessages: [] }],
      },
      { name: inRoot('tests/unit/c.test.ts'), status: 'failed', message: '', assertionResults: [] },
    ],
  })
  expect(readVitestReport(path)).toEqual({
    ...{ passed: 1, failed: 3 },
    failures: [
      'tests/unit/c.test.ts > the file: it did not load',
      'tests/unit/a.test.ts > a falls: AssertionError: expected 1 to be 2',
      'tests/unit/b.test.ts > b waits: no server',
    ],
  })
})

test("of Playwright's report: those in suites of suites as well, with their line", () => {
  const spec = (title: string, status: string, message?: string) => ({
    ...{ title, file: 'live.spec.ts', line: 14 },
    tests: [{ status, results: message === undefined ? [{}] : [{ error: { message } }] }],
  })
  const path = reportOf({
    stats: { expected: 1, unexpected: 1, flaky: 0, skipped: 1 },
    suites: [
      {
        specs: [spec('it is live', 'expected')],
        suites: [
          { specs: [spec('it stays', 'unexpected', 'Timed out\nCall log'), spec('it rests', 'skipped')] },
        ],
      },
    ],
  })
  expect(readPlaywrightReport(path)).toEqual({
    ...{ passed: 1, failed: 2 },
    failures: [
      'tests/e2e/live.spec.ts:14 > it stays: Timed out',
      'tests/e2e/live.spec.ts:14 > it rests: skipped',
    ],
  })
})

test('a report that is missing or of another shape is none', () => {
  expect(readVitestReport(join(directory, 'none.json'))).toBeNull()
  expect(readPlaywrightReport(reportOf({ stats: {} }))).toBeNull()
})
