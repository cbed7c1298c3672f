/** The values of cachescope.yaml that are more than text: durations, shares, node URLs. A wrong one gives a sentence. */

export type Parsed<T> = { ok: true; value: T } | { ok: false; message: string }
const wrong = (message: string): { ok: false; message: string } => ({ ok: false, message })

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** `2s`, `48h`, `30d` → milliseconds. The bounds are written the same way. */
export function parseDuration(text: string, min: string, max: string): Parsed<number> {
  const ms = durationMs(text)
  if (ms === null) return wrong(`is a duration with its unit, such as ${min}: a number and s, m, h or d`)
  if (ms < (durationMs(min) ?? 0) || ms > (durationMs(max) ?? Number.POSITIVE_INFINITY)) {
    return wrong(`must be between ${min} and ${max}`)
  }
  return { ok: true, value: ms }
}

function durationMs(text: string): number | null {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)\s*(ms|s|m|h|d)$/.exec(text.trim())
  if (!match) return null
  return Math.round(Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS])
}

/** `1%` → 0.01. The bounds are percentages. */
export function parseShare(text: string, minPercent: number, maxPercent: number): Parsed<number> {
  const match = /^(\d{1,3}(?:\.\d{1,4})?)\s*%$/.exec(text.trim())
  if (!match) return wrong('is a share with its percent sign, such as 1%')
  const percent = Number(match[1])
  if (percent < minPercent || percent > maxPercent) {
    return wrong(`must be between ${minPercent}% and ${maxPercent}%`)
  }
  return { ok: true, value: percent / 100 }
}

export type NodeUrl = {
  host: string
  port: number
  tls: boolean
  username: string | null
  password: string | null
}

/** `redis://[user:password@]host[:port]`. No message repeats the text: it may hold a password. */
export function parseNodeUrl(text: string): Parsed<NodeUrl> {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase()
  if (scheme === undefined) {
    const example = /^[\w.-]+(:\d+)?$/.test(text) ? text : 'host:6379'
    return wrong(`is a URL: redis://${example}, or rediss:// for TLS`)
  }
  if (scheme !== 'redis' && scheme !== 'rediss') {
    return wrong(`begins with redis://, or rediss:// for TLS; ${scheme}:// is not supported`)
  }
  const rest = text.slice(scheme.length + 3)
  const at = rest.lastIndexOf('@')
  const place = /^(\[[0-9a-f:.]+\]|[\w.-]+)(?::([^/?#]*))?(\/[^?#]*)?$/i.exec(rest.slice(at + 1))
  if (!place?.[1]) return wrong('has no valid host: write redis://host:port, an IPv6 address in brackets')
  const port = place[2] === undefined ? 6379 : /^\d+$/.test(place[2]) ? Number(place[2]) : Number.NaN
  if (Number.isNaN(port)) return wrong('has a port that is not a number')
  if (port < 1 || port > 65_535) return wrong(`has the port ${port}; ports are 1 to 65535`)
  if (place[3] !== undefined && place[3] !== '/' && place[3] !== '/0') {
    return wrong('names a database; leave it out, every database is read')
  }
  const credentials = parseCredentials(at < 0 ? null : rest.slice(0, at))
  if (!credentials) return wrong('has a user or password that is not percent-encoded right')
  return { ok: true, value: { host: place[1], port, tls: scheme === 'rediss', ...credentials } }
}

function parseCredentials(text: string | null): { username: string | null; password: string | null } | null {
  if (text === null) return { username: null, password: null }
  const colon = text.indexOf(':')
  try {
    const username = decodeURIComponent(colon < 0 ? text : text.slice(0, colon))
    const password = colon < 0 ? '' : decodeURIComponent(text.slice(colon + 1))
    return { username: username || null, password: password || null }
  } catch {
    return null
  }
}
