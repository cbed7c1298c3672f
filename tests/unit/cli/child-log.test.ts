import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { errorsOnlyFilter, LineSplitter, LogFile, structuredLogFilter } from '../../../bin/child-log.ts'

test.each<[string, string | null]>([
  ['{"level":30,"msg":"tick"}', null],
  ['{"level":40,"msg":"late"}', 'warning: late'],
  [
    '{"level":50,"cacheId":"shop","address":"127.0.0.1:7001","msg":"refused"}',
    'error: shop 127.0.0.1:7001 refused',
  ],
  ['{"level":60,"msg":"out of memory"}', 'fatal: out of memory'],
  ['{ not JSON', '{ not JSON'],
  ['Error: before the logger', 'Error: before the logger'],
])('of the line %s the terminal shows %j', (line, shown) => {
  expect(structuredLogFilter(line)).toBe(shown)
})

test.each([
  ['✓ Ready in 200ms', false],
  [' ⨯ TypeError: x is undefined', true],
  ['Error: listen EADDRINUSE', true],
])('of the dashboard, %j is shown: %s', (line, isShown) => {
  expect(errorsOnlyFilter(line) !== null).toBe(isShown)
})

test('lines are whole whatever the chunks, the last without its newline too', () => {
  const lines: string[] = []
  const splitter = new LineSplitter((line) => lines.push(line))
  for (const chunk of ['a', 'b\r\nc', '\n\nd']) splitter.push(chunk)
  splitter.end()
  expect(lines).toEqual(['ab', 'c', '', 'd'])
})

test('a log file that has grown too large is begun anew, and one old one kept', () => {
  const directory = mkdtempSync(join(tmpdir(), 'cachescope-log-'))
  try {
    const file = new LogFile(join(directory, 'x.log'))
    const line = 'x'.repeat(1024 * 1024)
    for (let count = 0; count < 25; count++) file.write(line)
    expect(readdirSync(directory).sort()).toEqual(['x.log', 'x.log.old'])
    expect(statSync(join(directory, 'x.log')).size).toBeLessThan(12 * 1024 * 1024)
  } finally {
    rmSync(directory, { recursive: true })
  }
})

test('a child whose log directory is removed under it goes on', () => {
  const directory = mkdtempSync(join(tmpdir(), 'cachescope-log-'))
  const file = new LogFile(join(directory, 'x.log'))
  rmSync(directory, { recursive: true })
  expect(() => file.write('a last line')).not.toThrow()
})
