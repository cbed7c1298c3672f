/** Runs benchmarks by name: `node bench/main.ts [name…] [--json]`; all of them without a name. */
import { readdir } from 'node:fs/promises'
import { type BenchResult, formatResult } from './result.ts'

const NOT_BENCHMARKS = new Set(['main.ts', 'result.ts'])

async function listBenchmarks(): Promise<string[]> {
  const files = await readdir(import.meta.dirname)
  return files
    .filter((file) => file.endsWith('.ts') && !NOT_BENCHMARKS.has(file))
    .map((file) => file.slice(0, -'.ts'.length))
    .sort()
}

async function runBenchmark(name: string): Promise<BenchResult | null> {
  const module = (await import(`./${name}.ts`)) as { run?: () => Promise<BenchResult> }
  return module.run === undefined ? null : module.run()
}

const known = await listBenchmarks()
const args = process.argv.slice(2)
const json = args.includes('--json')
const wanted = args.filter((arg) => !arg.startsWith('--'))
const unknown = wanted.filter((name) => !known.includes(name))
if (unknown.length > 0) {
  console.error(`There is no benchmark ${unknown.join(', ')}. There are: ${known.join(', ')}.`)
  process.exit(2)
}
const results: BenchResult[] = []
for (const name of wanted.length > 0 ? wanted : known) {
  const result = await runBenchmark(name)
  if (result === null) continue
  results.push(result)
  if (!json) console.log(`${formatResult(result)}\n`)
}
if (json) console.log(JSON.stringify(results, null, 2))
