/**
 * Redis and Valkey as new as Debian has them, for the tests: fetched by apt into a folder of the clone with the libraries
 * that they need, installed nowhere. They run by the loader that comes with those libraries, whatever the machine's release.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { chooseArchive, readArchive } from './apt-sources.mjs'
import { indent } from './packages.mjs'
import { withProgress } from './progress.mjs'
import { lastLines, run, SetupError } from './run.mjs'

/** From this version on each moves slots by itself. */
const ENGINES = {
  redis: { program: 'redis-server', packages: ['redis-server', 'redis-tools'], atLeast: [8, 4] },
  valkey: { program: 'valkey-server', packages: ['valkey-server', 'valkey-tools'], atLeast: [9, 0] },
}
const PACKAGES = Object.values(ENGINES).flatMap(({ packages }) => packages)
/** Experimental gives nothing by itself: Redis is the one that is newer there. */
const SUITES = 'unstable experimental'
const PREFERENCES = 'Package: redis-server redis-tools\nPin: release *\nPin-Priority: 990\n'
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'
const MIRROR_VARIABLE = 'CACHESCOPE_DEBIAN_MIRROR'
const MANIFEST = 'engines.json'

const folderIn = (root) => join(root, '.cachescope/engines')

/** @param {string} command the subcommand, @param {string[]} args what follows it @returns {boolean} */
export function needsEngines(command, args) {
  const stages = args.filter((arg) => !arg.startsWith('-'))
  return command === 'test' && (stages.length === 0 || stages.includes('integration'))
}

/** @param {string} root @returns {boolean} whether both are there and start */
export function enginesAreCurrent(root) {
  try {
    const folder = folderIn(root)
    const manifest = JSON.parse(readFileSync(join(folder, MANIFEST), 'utf8'))
    return Object.keys(ENGINES).every((name) => readVersion(folder, manifest, name) !== null)
  } catch {
    return false
  }
}

/** One at a time: what another left half done is removed. @param {string} root @param {NodeJS.ProcessEnv} env */
export async function fetchEngines(root, env) {
  const work = `${folderIn(root)}.new`
  try {
    rmSync(work, { recursive: true, force: true })
    await withProgress('Fetching Redis 8 and Valkey 9 from Debian', (note) => fetchInto(work, env, note))
    rmSync(folderIn(root), { recursive: true, force: true })
    renameSync(join(work, 'tree'), folderIn(root))
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

async function fetchInto(work, env, note) {
  for (const folder of ['lists/partial', 'cache', 'debs', 'tree'])
    mkdirSync(join(work, folder), { recursive: true })
  const tools = { env: { ...env, LC_ALL: 'C' }, onLine: note }
  const options = await writeConfiguration(work, tools)
  const apt = async (program, args, cwd) => {
    const { code, output } = await run(program, [...options, ...args], { ...tools, cwd })
    if (code !== 0) throw failure(`${program} ${args[0]}`, output)
    return output
  }
  await apt('apt-get', ['update', '-q'])
  const wanted = await withLibraries((names) => apt('apt-cache', ['depends', '--important', ...names]))
  await apt('apt-get', ['download', '-q', ...wanted], join(work, 'debs'))
  for (const file of readdirSync(join(work, 'debs'))) {
    const { code, output } = await run(
      'dpkg-deb',
      ['-x', join(work, 'debs', file), join(work, 'tree')],
      tools,
    )
    if (code !== 0) throw failure(`dpkg-deb -x ${file}`, output)
  }
  writeManifest(join(work, 'tree'))
}

/** A configuration of apt beside the machine's: same mirror, same keys, same proxy, other suites, nothing of it written to the machine. */
async function writeConfiguration(work, tools) {
  const source = archiveOf(tools.env)
  const architecture = await run('dpkg', ['--print-architecture'], tools)
  if (architecture.code !== 0) throw failure('dpkg --print-architecture', architecture.output)
  const fields = [
    'Types: deb',
    `URIs: ${source.uris.join(' ')}`,
    `Suites: ${SUITES}`,
    'Components: main',
    `Architectures: ${architecture.output.trim()}`,
    'Targets: Packages',
    ...(source.signedBy === null ? [] : [`Signed-By: ${source.signedBy}`]),
  ]
  writeFileSync(join(work, 'debian.sources'), `${fields.join('\n')}\n`)
  writeFileSync(join(work, 'preferences'), PREFERENCES)
  writeFileSync(join(work, 'status'), '')
  const settings = {
    'Dir::Etc::sourcelist': join(work, 'debian.sources'),
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::Etc::preferences': join(work, 'preferences'),
    'Dir::Etc::preferencesparts': '/dev/null',
    'Dir::State': work,
    'Dir::State::status': join(work, 'status'),
    'Dir::Cache': join(work, 'cache'),
    // Images for containers switch it off: each call would read all lists again.
    'Dir::Cache::pkgcache': 'pkgcache.bin',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '3',
    'APT::Update::Error-Mode': 'any',
    // The user that apt would download as may have no way into a clone in root's home.
    'APT::Sandbox::User': 'root',
  }
  return Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])
}

function archiveOf(env) {
  const keyring = existsSync(KEYRING) ? KEYRING : null
  const archive = chooseArchive({ mirror: env[MIRROR_VARIABLE], found: readArchive(), keyring })
  if (archive.missing === 'mirror')
    throw failure("finding Debian's mirror", "/etc/apt has no source of Debian's main packages.")
  if (archive.missing === 'keyring')
    throw failure(
      "finding Debian's keys",
      `There is no ${KEYRING}, and packages are not taken unsigned. Install the package debian-archive-keyring.`,
    )
  return archive
}

/** Those packages and every library that they or their libraries depend on; a server needs none of the rest to run. */
async function withLibraries(dependsOf) {
  const all = new Set(PACKAGES)
  for (let fresh = PACKAGES; fresh.length > 0; ) {
    const depends = await dependsOf(fresh)
    const libraries = [...depends.matchAll(/^ [ |](?:Pre)?Depends: (lib\S+)$/gm)].map(([, name]) => name)
    fresh = [...new Set(libraries)].filter((name) => !all.has(name))
    for (const name of fresh) all.add(name)
  }
  return [...all]
}

/** Paths in it are from the folder on: the folder is renamed, and a clone may be. */
function writeManifest(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).map(
    ({ parentPath, path, name }) => relative(folder, join(parentPath ?? path, name)),
  )
  const libraries = dirname(files.find((file) => file.endsWith('/libc.so.6')) ?? '')
  const loader = files.find((file) => dirname(file) === libraries && /\/ld[^/]*\.so\.\d+$/.test(file))
  const manifest = { libraries, loader, programs: {}, versions: {} }
  for (const [name, { program, atLeast }] of Object.entries(ENGINES)) {
    manifest.programs[name] = files.find((file) => file.endsWith(`bin/${program}`))
    const version = loader && manifest.programs[name] ? readVersion(folder, manifest, name) : null
    if (version === null)
      throw failure(`starting ${program}`, 'It does not run with the libraries that came with it.')
    const [major, minor] = version.split('.').map(Number)
    if (major < atLeast[0] || (major === atLeast[0] && minor < atLeast[1]))
      throw failure(
        `looking for ${name} ${atLeast.join('.')}`,
        `The newest that the mirror has is ${version}.`,
      )
    manifest.versions[name] = version
  }
  rmSync(join(folder, 'usr/share'), { recursive: true, force: true })
  writeFileSync(join(folder, MANIFEST), JSON.stringify(manifest, null, 2))
}

/** @returns {string | null} `9.1.2`; null when it does not start */
function readVersion(folder, manifest, name) {
  const at = (path) => join(folder, path)
  const args = ['--library-path', at(manifest.libraries), at(manifest.programs[name]), '--version']
  const { stdout } = spawnSync(at(manifest.loader), args, { encoding: 'utf8' })
  return /v=(\d+\.\d+\.\d+)/.exec(stdout ?? '')?.[1] ?? null
}

function failure(what, output) {
  return new SetupError(
    4,
    `The integration tests run Redis 8 and Valkey 9 from Debian's ${SUITES.replace(' ', ' and ')} suites, and ${what} failed:\n\n` +
      `${indent(lastLines(output, 12))}\n\nCheck that apt-get update works here, then run the same command again. ` +
      `On a machine whose apt has no Debian mirror, set ${MIRROR_VARIABLE} to the address of one.`,
  )
}
