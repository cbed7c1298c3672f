// The folder table of ARCHITECTURE.md as rules. A folder may import what is listed and nothing else of ours.
const { readdirSync, readFileSync } = require('node:fs')
const { join } = require('node:path')

const folders = ['app', 'core', 'store', 'collector', 'client', 'prisma', 'demo', 'bench', 'bin', 'tests']
const allowed = {
  app: ['core', 'store'],
  core: [],
  store: ['core'],
  collector: ['core', 'store'],
  client: ['core'],
  // Both ways, by file never in a circle: bin/ has the commands, demo/ what one of them runs, on bin's supervisor.
  demo: ['core', 'store', 'collector', 'client', 'bin'],
}
const boundaries = Object.entries(allowed).map(([folder, may]) => ({
  name: `boundary-${folder}`,
  comment: `${folder}/ may import ${may.length ? may.map((f) => `${f}/`).join(', ') : 'nothing of ours'}`,
  severity: 'error',
  from: { path: `^${folder}/` },
  to: { path: `^(${folders.filter((f) => f !== folder && !may.includes(f)).join('|')})/` },
}))

/** Next sends these files, and what they import, to the browser: no folder tells them, their first statement does. */
function listClientFiles() {
  const files = readdirSync(join(__dirname, 'app'), { recursive: true, encoding: 'utf8' })
    .map((file) => `app/${file.replaceAll('\\', '/')}`)
    .filter((file) => /\.[jt]sx?$/.test(file))
    .filter((file) => isClientFile(readFileSync(join(__dirname, file), 'utf8')))
  if (files.length === 0)
    throw new Error('No file of app/ begins with "use client": this rule looks at nothing.')
  return files
}

/** The directive may follow comments, and nothing else. */
const isClientFile = (source) => /^(\s|\/\/.*\n|\/\*[\s\S]*?\*\/)*['"]use client['"]/.test(source)

const escapeForPattern = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

module.exports = {
  forbidden: [
    ...boundaries,
    {
      name: 'core-is-pure',
      comment: 'core/ does no I/O: no Node built-in, no driver',
      severity: 'error',
      from: { path: '^core/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'only-store-knows-prisma',
      severity: 'error',
      from: { pathNot: '^store/' },
      to: { path: '^store/generated/|node_modules/@prisma/' },
    },
    {
      name: 'only-store-opens-postgres',
      comment: "the demo's shop has tables of its own there: the origin behind its cache",
      severity: 'error',
      from: { pathNot: '^(store|demo/shop|bin|tests)/' },
      to: { path: 'node_modules/pg/' },
    },
    {
      name: 'client-files-never-reach-store',
      comment: 'whatever a "use client" file imports, and what that imports, is sent to the browser',
      severity: 'error',
      from: { path: `^(${listClientFiles().map(escapeForPattern).join('|')})$` },
      to: { path: '^store/', reachable: true },
    },
    {
      name: 'nobody-imports-tests-or-bench',
      comment: 'they are leaves, though bench/ may use what supports the tests',
      severity: 'error',
      from: { pathNot: '^(tests|bench)/' },
      to: { path: '^(tests|bench)/' },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(\\.next|store/generated|client/dist)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.tsx', '.js', '.mjs', '.cjs', '.json', '.css'] },
  },
}
