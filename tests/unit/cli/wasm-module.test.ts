import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { inRoot } from '../../../bin/paths.ts'
import { buildModule, moduleIsCurrent } from '../../../bin/setup/wasm.mjs'

const WASM = 'collector/monitor/wasm'
let root: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'cachescope-wasm-'))
  mkdirSync(join(root, WASM), { recursive: true })
  cpSync(inRoot(`${WASM}/assembly`), join(root, `${WASM}/assembly`), { recursive: true })
  cpSync(inRoot('package-lock.json'), join(root, 'package-lock.json'))
  symlinkSync(inRoot('node_modules'), join(root, 'node_modules'))
})
afterEach(() => rmSync(root, { recursive: true }))

test('the module is compiled once, and again when its sources or its compiler change', {
  timeout: 180_000,
}, async () => {
  expect(moduleIsCurrent(root)).toBe(false)
  await buildModule(root, process.env)
  expect(moduleIsCurrent(root)).toBe(true)
  expect(WebAssembly.validate(readFileSync(join(root, `${WASM}/generated/engine.wasm`)))).toBe(true)

  appendFileSync(join(root, `${WASM}/assembly/engine.ts`), '// changed\n')
  expect(moduleIsCurrent(root)).toBe(false)
  cpSync(inRoot(`${WASM}/assembly`), join(root, `${WASM}/assembly`), { recursive: true })
  expect(moduleIsCurrent(root)).toBe(true)

  const lock = readFileSync(join(root, 'package-lock.json'), 'utf8')
  const { version } = JSON.parse(lock).packages['node_modules/assemblyscript']
  writeFileSync(join(root, 'package-lock.json'), lock.replaceAll(`"${version}"`, '"99.0.0"'))
  expect(moduleIsCurrent(root)).toBe(false)
})

test('sources that do not compile are told with the compiler’s words, and leave no stamp', {
  timeout: 180_000,
}, async () => {
  appendFileSync(join(root, `${WASM}/assembly/engine.ts`), 'export const broken: u32 = nowhere\n')
  await expect(buildModule(root, process.env)).rejects.toThrow(/could not be compiled[\s\S]*nowhere/)
  expect(moduleIsCurrent(root)).toBe(false)
})
