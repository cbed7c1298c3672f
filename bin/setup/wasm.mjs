/** The WebAssembly module that reads MONITOR's stream: compiled from its AssemblyScript sources when they have changed. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { indent } from './packages.mjs'
import { withProgress } from './progress.mjs'
import { lastLines, run, SetupError } from './run.mjs'

const SOURCES = 'collector/monitor/wasm/assembly'
const OUTPUT = 'collector/monitor/wasm/generated'
const STAMP = `${OUTPUT}/.cachescope-stamp`
/** Pages of 64 KiB: as collector/monitor/wasm/layout.ts has it. */
const MEMORY_PAGES = '512'
const OPTIONS = [
  '-O3',
  '--noAssert',
  ...['--enable', 'simd'],
  ...['--runtime', 'stub'],
  '--importMemory',
  ...['--initialMemory', MEMORY_PAGES],
  ...['--maximumMemory', MEMORY_PAGES],
  ...['--memoryBase', '64'],
]

function moduleHash(root) {
  const hash = createHash('sha256').update(OPTIONS.join(' '))
  const compiler = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages[
    'node_modules/assemblyscript'
  ]
  hash.update(compiler.version)
  for (const file of readdirSync(join(root, SOURCES)).sort())
    hash.update(readFileSync(join(root, SOURCES, file)))
  return hash.digest('hex')
}

/** @param {string} root @returns {boolean} */
export function moduleIsCurrent(root) {
  const stamp = join(root, STAMP)
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === moduleHash(root)
}

/** @param {string} root @param {NodeJS.ProcessEnv} env */
export async function buildModule(root, env) {
  const hash = moduleHash(root)
  mkdirSync(join(root, OUTPUT), { recursive: true })
  const built = join(root, OUTPUT, `engine.${process.pid}.wasm`)
  const args = [
    'node_modules/assemblyscript/bin/asc.js',
    join(SOURCES, 'engine.ts'),
    ...['--outFile', built],
    ...OPTIONS,
  ]
  const { code, output } = await withProgress("Compiling the reader of MONITOR's stream", () =>
    run(join(root, 'node_modules/.bin/node'), args, { cwd: root, env }),
  )
  if (code !== 0) {
    throw new SetupError(
      1,
      `The WebAssembly module could not be compiled from ${SOURCES}:\n\n${indent(lastLines(output, 20))}`,
    )
  }
  renameSync(built, join(root, OUTPUT, 'engine.wasm'))
  writeFileSync(join(root, STAMP), hash)
}
