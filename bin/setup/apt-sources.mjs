/** Where this machine gets Debian from, read out of its own apt sources (deb822 and one-line). */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Names by which a mirror knows a suite, whatever its release is called. */
const ALIASES = ['oldstable', 'stable', 'testing', 'unstable', 'sid']
/** An option of a one-line source may hold spaces only within its brackets. */
const ONE_LINE = /^deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+(.+)$/

/**
 * @typedef {{ uris: string[], suites: string[], components: string[], signedBy: string | null }} Source
 * @param {string} text of a `.list` file
 * @returns {Source[]}
 */
export function parseOneLine(text) {
  return text.split('\n').flatMap((line) => {
    const [, options = '', uri, suite, components] = ONE_LINE.exec(line.replace(/#.*/, '').trim()) ?? []
    if (uri === undefined) return []
    const signedBy = /(?:^|\s)signed-by=(\S+)/i.exec(options)?.[1]?.replaceAll(',', ' ') ?? null
    return [{ uris: [uri], suites: [suite], components: components.trim().split(/\s+/), signedBy }]
  })
}

/** @param {string} text of a `.sources` file @returns {Source[]} `signedBy` may be a key of many lines, as it stands */
export function parseDeb822(text) {
  const lines = text.split('\n').filter((line) => !line.startsWith('#'))
  return lines
    .join('\n')
    .split(/\n\s*\n/)
    .flatMap((stanza) => {
      const fields = {}
      for (const [, name, value] of stanza.matchAll(/^([A-Za-z0-9-]+):[ \t]*(.*(?:\n[ \t].*)*)/gm))
        fields[name.toLowerCase()] = value.trim()
      const words = (name) => (fields[name] ?? '').split(/\s+/).filter((word) => word !== '')
      if (!words('types').includes('deb') || /^(no|false|off|0|without|disable)$/i.test(fields.enabled ?? ''))
        return []
      return [
        {
          uris: words('uris'),
          suites: words('suites'),
          components: words('components'),
          signedBy: fields['signed-by'] ?? null,
        },
      ]
    })
}

/**
 * @param {Source[]} sources @param {string} codename of the machine's release, `bookworm`
 * @returns {Source | null} the first that is Debian's archive itself: not its updates, not another's packages
 */
export function findArchive(sources, codename) {
  const isRelease = (suite) => suite === codename || ALIASES.includes(suite)
  const fetchable = (uri) => !/^(cdrom|file|copy):/.test(uri)
  return (
    sources.find(
      ({ uris, suites, components }) =>
        components.includes('main') && suites.some(isRelease) && uris.some(fetchable),
    ) ?? null
  )
}

/** On a machine that is not Debian, only a mirror whose address says so is one of Debian. @returns {Source | null} of this machine */
export function readArchive() {
  const parts = list('/etc/apt/sources.list.d').map((name) => join('/etc/apt/sources.list.d', name))
  const sources = ['/etc/apt/sources.list', ...parts].flatMap((path) => {
    if (path.endsWith('.list')) return parseOneLine(readText(path))
    return path.endsWith('.sources') ? parseDeb822(readText(path)) : []
  })
  const release = readText('/etc/os-release')
  const codename = /^VERSION_CODENAME="?([^"\n]+)/m.exec(release)?.[1] ?? ''
  return findArchive(isDebian(release) ? sources : sources.filter(isOfDebian), codename)
}

/** @param {string} release text of /etc/os-release */
export const isDebian = (release) => /^ID="?debian"?$/m.test(release)

/** @param {Source} source @returns {boolean} `http://deb.debian.org/debian/` is, `http://archive.ubuntu.com/ubuntu` is not */
export const isOfDebian = ({ uris }) => uris.length > 0 && uris.every((uri) => /\/debian\/?$/.test(uri))

/**
 * Where Debian's newest suites come from, and whose signature they have to bear.
 * @param {{ mirror: string | undefined, found: Source | null, keyring: string | null }} known a mirror that was named,
 *   the machine's own source of Debian, the path of Debian's keys
 * @returns {{ uris: string[], signedBy: string | null } | { missing: 'mirror' | 'keyring' }}
 */
export function chooseArchive({ mirror, found, keyring }) {
  if (!mirror) return found ?? { missing: 'mirror' }
  if (found !== null) return { uris: [mirror], signedBy: found.signedBy }
  return keyring === null ? { missing: 'keyring' } : { uris: [mirror], signedBy: keyring }
}

function list(folder) {
  try {
    return readdirSync(folder).sort()
  } catch {
    return []
  }
}

/** What is not there, or not ours to read, names no source. */
function readText(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
