/** What `npm run build -w client` gives: a package that runs, and whose types resolve, beside either ioredis. */
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { LIBRARY } from '../../../client/version.ts'

const run = promisify(execFile)
const ROOT = join(import.meta.dirname, '../../..')
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc')

const APP = `
import { cachescope, inspect, release, type CachescopeOptions } from '@cachescope/client'
import { Cluster, Redis } from 'ioredis'
const options: CachescopeOptions = { app: 'shop' }
const redis = new Redis({ lazyConnect: true, port: 1 })
const same: Redis = cachescope(redis, options)
const cluster: Cluster = cachescope(new Cluster([], { lazyConnect: true }), options)
const value: Promise<string | null> = Promise.resolve(null) satisfies ReturnType<typeof same.get>
const state: string | undefined = inspect(same)?.state
release(cluster)
console.log(JSON.stringify({ isSame: same === redis, state, value: await value }))
`

/** TypeScript compiles: bounds a failure only. */
const LIMIT_MS = 400_000
let folder: string
let packed: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cachescope-client-'))
  const built = join(folder, 'built')
  // As prepack does, but for where it is written: other tests read the tree.
  const build = join(ROOT, 'client/tsconfig.build.json')
  await run(process.execPath, [TSC, '-p', build, '--outDir', join(built, 'dist')])
  for (const name of ['package.json', 'README.md', 'LICENSE']) {
    await cp(join(ROOT, 'client', name), join(built, name))
  }
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
    cwd: built,
  })
  const [{ filename }] = JSON.parse(stdout)
  await run('tar', ['-xzf', join(folder, filename), '-C', folder])
  packed = join(folder, 'package')
}, LIMIT_MS)
afterAll(() => rm(folder, { recursive: true, force: true }))

test('has what it is made of, its licence and its description, and is built before it is packed', async () => {
  expect((await readdir(packed)).toSorted()).toEqual(['LICENSE', 'README.md', 'dist', 'package.json'])
  const { scripts } = JSON.parse(await readFile(join(packed, 'package.json'), 'utf8'))
  expect(scripts.prepack).toBe('npm run build')
})

test.each(['ioredis', 'ioredis-5'])(
  'is imported and typed beside %s, and its process ends by itself',
  async (name) => {
    const project = await mkdtemp(join(tmpdir(), 'cachescope-app-'))
    try {
      const modules = join(project, 'node_modules')
      await mkdir(join(modules, '@cachescope'), { recursive: true })
      await mkdir(join(modules, '@types'))
      await cp(packed, join(modules, '@cachescope/client'), { recursive: true })
      for (const [from, to] of [
        [name, 'ioredis'],
        ['lru-cache', 'lru-cache'],
        ['@types/node', '@types/node'],
      ] as const) {
        await symlink(join(ROOT, 'node_modules', from), join(modules, to))
      }
      await writeFile(join(project, 'package.json'), '{ "type": "module" }')
      await writeFile(join(project, 'app.ts'), APP)
      const settings = ['--module', 'nodenext', '--strict', '--target', 'es2023', '--types', 'node']
      await run(process.execPath, [TSC, ...settings, 'app.ts'], { cwd: project }).catch((error) => {
        throw new Error(String(error.stdout))
      })
      const { stdout } = await run(process.execPath, ['app.js'], { cwd: project, timeout: 60_000 })
      expect(JSON.parse(stdout)).toEqual({ isSame: true, state: 'passing', value: null })
    } finally {
      await rm(project, { recursive: true, force: true })
    }
  },
  LIMIT_MS,
)

test('names the version of its package.json', async () => {
  const { default: manifest } = await import('../../../client/package.json', { with: { type: 'json' } })
  expect(LIBRARY).toBe(`${manifest.name} ${manifest.version}`)
})
