// Generates store/generated from schema.prisma, offline; skips when the schema has not changed. Plain JavaScript:
// set-up runs it on whatever Node the system has.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const stamp = join(root, 'store/generated/.stamp')
const require = createRequire(import.meta.url)
const prismaPackage = require.resolve('prisma/package.json')

const digest = createHash('sha256')
  .update(readFileSync(join(root, 'prisma/schema.prisma')))
  .update(JSON.parse(readFileSync(prismaPackage, 'utf8')).version)
  .digest('hex')

if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) process.exit(0)

// The CLI wants to download a schema engine that generating does not use: any executable stands in for it.
const result = spawnSync(
  process.execPath,
  [join(dirname(prismaPackage), 'build/index.js'), 'generate', '--no-hints'],
  {
    cwd: root,
    env: { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, PRISMA_HIDE_UPDATE_MESSAGE: '1' },
    encoding: 'utf8',
  },
)
if (result.status !== 0) {
  process.stderr.write(`${result.stdout}${result.stderr}`)
  process.exit(result.status ?? 1)
}
writeFileSync(stamp, digest)
