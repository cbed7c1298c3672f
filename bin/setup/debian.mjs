/** Debian packages that a subcommand needs and that are missing: said, installed where we may, their services never started. */
import { accessSync, constants } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { indent } from './packages.mjs'
import { withProgress } from './progress.mjs'
import { lastLines, run, SetupError } from './run.mjs'

/** Debian's package by the program that it brings. */
const PACKAGES = { 'redis-server': 'redis-server', memcached: 'memcached', chromium: 'chromium' }
const FLEET = ['redis-server', 'memcached']

/** @param {string} command the subcommand, @param {string[]} args what follows it */
export function neededPrograms(command, args) {
  if (command === 'demo' || command === 'dev' || command === 'bench') return FLEET
  if (command !== 'test') return []
  const stages = args.filter((arg) => !arg.startsWith('-'))
  const runs = (stage) => stages.length === 0 || stages.includes(stage)
  return [...(runs('integration') || runs('e2e') ? FLEET : []), ...(runs('e2e') ? ['chromium'] : [])]
}

function isOnPath(program, path) {
  // Debian puts servers in /usr/sbin, which a plain user's path may leave out.
  return [...path.split(delimiter), '/usr/sbin', '/usr/local/sbin'].some((folder) => {
    try {
      accessSync(join(folder || '.', program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** @param {string[]} programs @param {NodeJS.ProcessEnv} env @returns {string[]} those not on the path */
export function missingPrograms(programs, env) {
  return programs.filter((program) => !isOnPath(program, env.PATH ?? ''))
}

/** Stand-ins for the two programs by which packages start their services: nothing starts, and no policy file is left. */
const NO_SERVICES = join(import.meta.dirname ?? dirname(fileURLToPath(import.meta.url)), 'no-services')
const DPKG_PATH = `${NO_SERVICES}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`

/** @param {string[]} programs @param {NodeJS.ProcessEnv} env */
export async function installPrograms(programs, env) {
  const packages = programs.map((program) => PACKAGES[program])
  const byHand = `sudo apt-get update && sudo apt-get install -y --no-install-recommends ${packages.join(' ')}`
  if ((await run('apt-get', ['--version'], { env })).code !== 0) {
    throw new SetupError(
      4,
      `This needs ${packages.join(' and ')}, and this machine has no apt-get. Install ${programs.join(' and ')} so that it is on the path, then run the same command again.`,
    )
  }
  const prefix = await privilege(env)
  if (prefix === null) {
    throw new SetupError(
      4,
      `This needs Debian's ${packages.join(' and ')}, and you are neither root nor able to use sudo without a password. Type:\n\n  ${byHand}\n\nand run the same command again.`,
    )
  }
  process.stderr.write(
    `Installing Debian's ${packages.join(', ')} by apt-get (missing here); no service is started.\n`,
  )
  const asRoot = (args, note) => {
    const [program, ...rest] = [...prefix, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', ...args]
    return run(program, rest, { env, onLine: note })
  }
  // A mirror that fails to update may still have what is needed: installing tells.
  await withProgress('Updating the list of Debian packages', (note) => asRoot(['update', '-q'], note))
  const install = [
    'install',
    '-y',
    '-q',
    '--no-install-recommends',
    '-o',
    `DPkg::Path=${DPKG_PATH}`,
    ...packages,
  ]
  await withProgress(`Installing ${packages.join(', ')}`, async (note) => {
    const { code, output } = await asRoot(install, note)
    if (code !== 0) {
      throw new SetupError(
        4,
        `apt-get could not install ${packages.join(' and ')}:\n\n${indent(lastLines(output, 12))}\n\nInstall them by hand, then run the same command again:\n\n  ${byHand}`,
      )
    }
  })
  const missing = missingPrograms(programs, env)
  if (missing.length > 0) {
    throw new SetupError(
      4,
      `apt-get installed ${packages.join(', ')}, but ${missing.join(', ')} is still not on the path.`,
    )
  }
}

async function privilege(env) {
  if (process.getuid?.() === 0) return []
  return (await run('sudo', ['-n', 'true'], { env })).code === 0 ? ['sudo', '-n'] : null
}
