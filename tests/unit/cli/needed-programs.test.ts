import { expect, test } from 'vitest'
import { missingPrograms, neededPrograms } from '../../../bin/setup/debian.mjs'
import { needsEngines } from '../../../bin/setup/engines.mjs'

const FLEET = ['redis-server', 'memcached']

test.each<[string, string[], string[]]>([
  ['start', [], []],
  ['migrate', [], []],
  ['hotkeys', ['redis://10.0.0.1'], []],
  ['doctor', ['redis://10.0.0.1'], []],
  ['', [], []],
  ['demo', ['--fresh'], FLEET],
  ['dev', [], FLEET],
  ['bench', ['store'], FLEET],
  ['test', [], [...FLEET, 'chromium']],
  ['test', ['check', 'unit'], []],
  ['test', ['integration'], FLEET],
  ['test', ['e2e'], [...FLEET, 'chromium']],
])('%s %j needs %j of Debian', (command, args, programs) => {
  expect(neededPrograms(command, args)).toEqual(programs)
})

test('a program that is nowhere on the path is missing', () => {
  expect(missingPrograms(['sh', 'no-such-program'], { PATH: '/bin:/usr/bin' })).toEqual(['no-such-program'])
})

test.each<[string, string[], boolean]>([
  ['test', [], true],
  ['test', ['integration'], true],
  ['test', ['check', 'unit', 'e2e'], false],
  ['demo', [], false],
])('%s %j needs the newest engines: %s', (command, args, needed) => {
  expect(needsEngines(command, args)).toBe(needed)
})
