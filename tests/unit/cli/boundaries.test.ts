import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { inRoot, NODE } from '../../../bin/paths.ts'

const CONFIG = '.dependency-cruiser.cjs'

let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cachescope-boundaries-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

/** `file: rule`, sorted, for a tree of these files; throws what the cruiser says when it cannot begin. */
function violations(files: Record<string, string>): string[] {
  copyFileSync(inRoot(CONFIG), join(directory, CONFIG))
  writeFileSync(
    join(directory, 'tsconfig.json'),
    '{ "compilerOptions": { "allowImportingTsExtensions": true } }',
  )
  for (const [path, source] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true })
    writeFileSync(join(directory, path), source)
  }
  const folders = [...new Set(Object.keys(files).map((path) => path.split('/')[0] ?? ''))]
  const cruiser = inRoot('node_modules/dependency-cruiser/bin/dependency-cruiser.mjs')
  const output = execFileSync(
    NODE,
    [cruiser, '--config', CONFIG, '--output-type', 'json', '--no-cache', ...folders],
    { cwd: directory, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const { summary } = JSON.parse(output) as {
    summary: { violations: { from: string; rule: { name: string } }[] }
  }
  return [...new Set(summary.violations.map(({ from, rule }) => `${from}: ${rule.name}`))].sort()
}

const TREE = {
  'store/rows.ts': 'export const rows = 1\n',
  'app/queries.ts': "export { rows } from '../store/rows.ts'\n",
  'app/page.tsx': "import './queries.ts'\nimport './button.tsx'\n",
  'app/button.tsx': "'use client'\nexport const button = 1\n",
  'app/chart.tsx': "'use client'\nimport './queries.ts'\n",
  'app/[id]/table.tsx': '/** A\n * table. */\n// Why.\n"use client"\nimport \'../queries.ts\'\n',
  'bin/main.ts': "import '../tests/seed.ts'\nimport '../demo/fleet.ts'\n",
  'bin/ports.ts': 'export {}\n',
  'demo/fleet.ts': "import '../bin/ports.ts'\n",
  'demo/shop.ts': "import '../app/button.tsx'\n",
  'tests/seed.ts': "import '../bin/ports.ts'\n",
  'core/rates.ts': "import '../bin/ports.ts'\n",
  'store/client.ts': "import '../bin/ports.ts'\n",
}

test('every import that crosses a boundary is told, and no other', () => {
  expect(violations(TREE)).toEqual([
    'app/[id]/table.tsx: client-files-never-reach-store',
    'app/chart.tsx: client-files-never-reach-store',
    'bin/main.ts: nobody-imports-tests-or-bench',
    'core/rates.ts: boundary-core',
    'demo/shop.ts: boundary-demo',
    'store/client.ts: boundary-store',
  ])
})

test('looking at no client file is a failure', () => {
  expect(() => violations({ 'app/page.tsx': 'export {}\n' })).toThrow('this rule looks at nothing')
})
