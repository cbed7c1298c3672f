/** What the URLs of a command line name. Pure: nothing is connected to. No message repeats a URL that may hold a password. */
import { parseNodeUrl } from '../../core/config-values.ts'
import { LookFailure } from './look-failure.ts'

export type TargetPlace = { host: string; port: number; address: string }
export type Target = {
  kind: 'redis' | 'sentinel' | 'memcached'
  places: TargetPlace[]
  tls: boolean
  username: string | null
  password: string | null
  /** Of a Sentinel: which of its masters; null where the URL names none. */
  masterName: string | null
}

const SCHEMES: Record<string, { kind: Target['kind']; tls: boolean; port: number; example: string }> = {
  redis: { kind: 'redis', tls: false, port: 6379, example: 'redis://host:6379' },
  rediss: { kind: 'redis', tls: true, port: 6379, example: 'rediss://host:6379' },
  valkey: { kind: 'redis', tls: false, port: 6379, example: 'valkey://host:6379' },
  valkeys: { kind: 'redis', tls: true, port: 6379, example: 'valkeys://host:6379' },
  sentinel: { kind: 'sentinel', tls: false, port: 26_379, example: 'sentinel://host:26379/mymaster' },
  sentinels: { kind: 'sentinel', tls: true, port: 26_379, example: 'sentinels://host:26379/mymaster' },
  memcached: { kind: 'memcached', tls: false, port: 11_211, example: 'memcached://host:11211,host:11211' },
}

/** @param password of CACHESCOPE_PASSWORD or standard input, for URLs without one. @throws LookFailure */
export function parseTargets(urls: readonly string[], password: string | null): Target[] {
  return urls.map((url, index) => {
    const which = urls.length === 1 ? 'The URL' : `URL ${index + 1} of ${urls.length}`
    const target = parseTarget(url, which)
    return target.kind === 'memcached' ? target : { ...target, password: target.password ?? password }
  })
}

function parseTarget(url: string, which: string): Target {
  const match = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is.exec(url)
  const [, scheme = '', rest = ''] = match ?? []
  if (match === null) {
    const example = /^[\w.-]+(:\d+)?$/.test(url) ? url : 'host:6379'
    throw wrong(which, `has no scheme: write redis://${example}, or rediss://, sentinel://, memcached://.`)
  }
  const known = SCHEMES[scheme.toLowerCase()]
  if (known === undefined) {
    throw wrong(
      which,
      `begins with ${scheme.toLowerCase()}://, which is none of redis://, rediss://, sentinel://, memcached://.`,
    )
  }
  if (/[?#]/.test(rest.slice(rest.lastIndexOf('@') + 1))) {
    throw wrong(which, 'has a ? or # after its host: leave them out, settings are flags here.')
  }
  const at = rest.lastIndexOf('@')
  const slash = rest.indexOf('/', at + 1)
  const hosts = rest.slice(at + 1, slash < 0 ? undefined : slash)
  const path = slash < 0 ? '' : rest.slice(slash + 1)
  const { kind, tls, example } = known
  if (kind === 'memcached' && at >= 0) {
    throw wrong(which, 'has a user or password: Cachescope cannot sign in to a Memcached. Leave them out.')
  }
  if (kind === 'memcached' && path !== '') throw wrong(which, `ends in a path: write ${example}.`)
  if (kind === 'redis' && path !== '' && path !== '0') {
    throw wrong(which, 'names a database: leave it out, every database is read.')
  }
  const [first, ...more] = hosts
    .split(',')
    .map((host) => parsePlace(`${rest.slice(0, at + 1)}${withPort(host, known.port)}`, which, example))
  if (first === undefined) throw wrong(which, `has no host: write ${example}.`)
  const places = [first, ...more].map(({ host, port }) => ({
    host: host.replace(/^\[|\]$/g, ''),
    port,
    address: `${host}:${port}`,
  }))
  const twice = places.find(({ address }, index) =>
    places.some((one, at) => at < index && one.address === address),
  )
  if (twice) throw wrong(which, `names ${twice.address} twice.`)
  const { username, password } = first
  return { kind, places, tls, username, password, masterName: masterNameOf(kind, path, which) }
}

function masterNameOf(kind: Target['kind'], path: string, which: string): string | null {
  if (kind !== 'sentinel' || path === '') return null
  try {
    return decodeURIComponent(path)
  } catch {
    throw wrong(which, 'has a name of a master that is not percent-encoded right.')
  }
}

function parsePlace(authority: string, which: string, example: string) {
  const parsed = parseNodeUrl(`redis://${authority}`)
  if (parsed.ok) return parsed.value
  if (parsed.message.startsWith('has no valid host')) {
    throw wrong(which, `has no valid host: write ${example}, an IPv6 address in brackets.`)
  }
  throw wrong(which, `${parsed.message}.`)
}

function withPort(host: string, port: number): string {
  return /:[^\]]*$/.test(host) ? host : `${host}:${port}`
}

function wrong(which: string, what: string): LookFailure {
  return new LookFailure('input', `${which} ${what}`)
}
