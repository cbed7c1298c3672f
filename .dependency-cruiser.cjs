// The folder table of ARCHITECTURE.md as rules. A folder may import what is listed and nothing else of ours.
const folders = ['app', 'core', 'store', 'collector', 'client', 'demo', 'bench', 'bin', 'tests']
const allowed = {
  app: ['core', 'store'],
  core: [],
  store: ['core'],
  collector: ['core', 'store'],
  client: ['core'],
  demo: ['core', 'store', 'collector', 'client', 'bin'],
}
const boundaries = Object.entries(allowed).map(([folder, may]) => ({
  name: `boundary-${folder}`,
  comment: `${folder}/ may import ${may.length ? may.map((f) => `${f}/`).join(', ') : 'nothing of ours'}`,
  severity: 'error',
  from: { path: `^${folder}/` },
  to: { path: `^(${folders.filter((f) => f !== folder && !may.includes(f)).join('|')})/` },
}))

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
      name: 'nobody-imports-these',
      comment: 'tests, bench and demo are leaves (tests may use each other, bench may use demo)',
      severity: 'error',
      from: { path: '^(app|core|store|collector|client)/' },
      to: { path: '^(tests|bench|demo)/' },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(\\.next|store/generated)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.tsx', '.js', '.mjs', '.cjs', '.json', '.css'] },
  },
}
