/**
 * Brings a clone to where `bin/main.ts` runs: npm packages, the generated client, the compiled module, the Debian
 * packages that the subcommand needs, and the engines that the tests run. Plain JavaScript without dependencies: it runs on the system's Node (20 or later), before all else.
 */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installPrograms, missingPrograms, neededPrograms } from './setup/debian.mjs'
import { enginesAreCurrent, fetchEngines, needsEngines } from './setup/engines.mjs'
import { takeLock } from './setup/lock.mjs'
import { clientIsCurrent, generateClient, installPackages, packagesAreCurrent } from './setup/packages.mjs'
import { SetupError, stopRunning } from './setup/run.mjs'
import { buildModule, moduleIsCurrent } from './setup/wasm.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
let lock = null

function end(code) {
  lock?.giveBack()
  process.exit(code)
}

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
]) {
  process.on(signal, () => {
    stopRunning()
    end(code)
  })
}

async function setUp(args) {
  const env = process.env
  const asksForHelp = args.includes('--help') || args.includes('-h')
  const [command = '', ...rest] = args.filter((arg, at) => (at === 0 ? !arg.startsWith('-') : true))
  const needed = asksForHelp ? [] : neededPrograms(command, rest)
  const enginesAreMissing = () => !asksForHelp && needsEngines(command, rest) && !enginesAreCurrent(root)
  const isCurrent = () =>
    packagesAreCurrent(root) &&
    clientIsCurrent(root) &&
    moduleIsCurrent(root) &&
    missingPrograms(needed, env).length === 0 &&
    !enginesAreMissing()
  if (isCurrent()) return

  let said = false
  lock = await takeLock(join(root, '.cachescope/setup.lock'), (pid) => {
    if (!said)
      process.stderr.write(`Another set-up of this clone is under way (process ${pid}); waiting for it.\n`)
    said = true
  })
  if (!packagesAreCurrent(root)) await installPackages(root, env, lock.share)
  if (!clientIsCurrent(root)) await generateClient(root, env)
  if (!moduleIsCurrent(root)) await buildModule(root, env)
  const missing = missingPrograms(needed, env)
  if (missing.length > 0) await installPrograms(missing, env)
  if (enginesAreMissing()) await fetchEngines(root, env)
}

try {
  await setUp(process.argv.slice(2))
  end(0)
} catch (error) {
  if (!(error instanceof SetupError)) throw error
  process.stderr.write(`cachescope: ${error.message}\n`)
  end(error.exitCode)
}
