import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readConfigFile } from '../../../bin/config-file.ts'

let directory: string
let path: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cachescope-config-'))
  path = join(directory, 'cachescope.yaml')
  mkdirSync(join(directory, 'certificates'))
  writeFileSync(join(directory, 'ca.pem'), '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n')
  writeFileSync(join(directory, 'key.pem'), '-----BEGIN PRIVATE KEY-----\n')
})
afterEach(() => rmSync(directory, { recursive: true }))

function read(ca: string, given = path) {
  writeFileSync(
    path,
    `caches:\n  - name: shop\n    kind: standalone\n    nodes: [rediss://h:1]\n    tls:\n      ca: ${ca}\n`,
  )
  return readConfigFile(given, process.env).config.caches[0]?.tls?.caPath
}

test.each([
  ['ca.pem', 'ca.pem'],
  ['./certificates/../ca.pem', 'ca.pem'],
])('the certificate %s is found beside the configuration, wherever the command runs', (ca, file) => {
  expect(read(ca)).toBe(join(directory, file))
  expect(read(ca, relative(process.cwd(), path))).toBe(join(directory, file))
  expect(read(join(directory, file))).toBe(join(directory, file))
})

test.each([
  ['missing.pem', 'does not exist'],
  ['certificates', 'is a folder'],
  ['key.pem', 'no certificate in PEM form'],
])('the certificate %s is a problem with its line and column', (ca, text) => {
  let said = ''
  try {
    read(ca)
  } catch (error) {
    said = (error as Error).message
  }
  expect(said).toContain(`cachescope.yaml:6:11: caches[0].tls.ca is ${join(directory, ca)}, which `)
  expect(said).toContain(text)
})
