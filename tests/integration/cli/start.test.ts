import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { inRoot } from '../../../bin/paths.ts'
import { runProgram } from '../../support/command.ts'

const GOOD = 'caches:\n  - name: shop\n    kind: cluster\n    nodes: [redis://127.0.0.1:6379]\n'

let directory: string
let taken: Server

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cachescope-start-'))
})
afterEach(() => {
  rmSync(directory, { recursive: true })
  taken?.close()
})

async function cachescope(...args: string[]) {
  const run = runProgram([inRoot('bin/main.ts'), ...args], { cwd: directory, env: { DATABASE_URL: '' } })
  const { code } = await run.ended
  return { code, output: run.output(), left: run.processes() }
}

test('every problem of the configuration is listed with its line and column', async () => {
  writeFileSync(
    join(directory, 'cachescope.yaml'),
    'caches:\n  - name: shop\n    kind: clutser\n    nodes: [redis://127.0.0.1:99999]\n    intervall: 2s\n',
  )
  const { code, output, left } = await cachescope('start')
  expect(code).toBe(2)
  for (const line of [3, 4, 5]) expect(output).toMatch(new RegExp(`^cachescope\\.yaml:${line}:\\d+: `, 'm'))
  expect(left).toEqual([])
})

test('without a configuration it says what to write', async () => {
  const { code, output } = await cachescope('start')
  expect(code).toBe(2)
  expect(output).toContain('There is no cachescope.yaml')
  expect(output).toContain('nodes: [redis://')
})

test('a port that is taken is named, with the next free one', async () => {
  writeFileSync(join(directory, 'cachescope.yaml'), GOOD)
  taken = createServer()
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  const address = taken.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const { code, output } = await cachescope('start', '--port', String(port))
  expect(code).toBe(4)
  expect(output).toMatch(new RegExp(`Port ${port} .* is taken .* --port \\d+`))
})

test.each([
  [['start', '--host', '0.0.0.0'], 2, 'refuses --host 0.0.0.0'],
  [['start', '--config', 'other.yaml'], 2, 'There is no other.yaml'],
  [['migrate'], 2, 'DATABASE_URL is not set'],
  [['strat'], 2, 'Did you mean start?'],
  [[], 2, 'Usage: cachescope'],
  [['--help'], 0, 'Exit codes:'],
])('%j ends with %i', async (args, expected, text) => {
  const { code, output } = await cachescope(...args)
  expect(output).toContain(text)
  expect(code).toBe(expected)
})

test('a database that does not answer is its own sentence', async () => {
  const run = runProgram([inRoot('bin/main.ts'), 'migrate'], {
    env: { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' },
  })
  expect((await run.ended).code).toBe(3)
  expect(run.output()).not.toContain('    at ')
})
