/** Translates what the driver and Prisma throw into the sentences that a person is meant to read. */
import { CachescopeError } from '../core/errors.ts'

const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
])
/** It answers, but does no work now; whoever waits and tries again is served once that is put right. */
const UNABLE: Record<string, string> = {
  '25006':
    'takes no writes: it is a standby, or set to read-only. Point DATABASE_URL at the primary, or turn off default_transaction_read_only.',
  '25P03':
    'ended a transaction that stood still for seconds: its process was stopped, or had no time. It is tried again.',
  '53000': 'lacks resources. Its log says which.',
  '53100': 'has no disk space left. Free some, or lower retention in cachescope.yaml.',
  '53200': 'is out of memory. Give its server more, or lower what its settings let it use.',
  '53300': 'has no connection free. Raise its max_connections, or close what else holds them.',
  '53400': 'has reached a limit of its configuration. Its log says which; raise that setting.',
  '57014':
    'cancelled a query of Cachescope. Raise statement_timeout for the user of DATABASE_URL, if it is set; else see what loads the server.',
  '57P01': 'is being shut down, or an administrator ended the connection. Start it again if it stays away.',
  '57P02': 'ended the connection because one of its processes crashed. Its log says why.',
  '57P03': 'is starting, stopping or recovering. Wait for it; its log says how far it is.',
  '57P04': 'has lost the database: it was dropped. Create it again, or correct DATABASE_URL.',
  '57P05': 'ended an idle session. Raise idle_session_timeout for the user of DATABASE_URL.',
  '58030': 'cannot read or write its disk. Its log says where.',
}
const UNREACHABLE_TEXT =
  /connection terminated|timeout exceeded when trying to connect|^timeout expired$|query read timeout|server closed the connection|can't reach database|connection ended unexpectedly|client has encountered a connection error|cannot use a pool after calling end/im

/** Where a database is, without its credentials: for messages. */
export function describeDatabase(databaseUrl: string): string {
  try {
    const url = new URL(databaseUrl)
    return `${url.hostname || 'localhost'}:${url.port || '5432'}${url.pathname}`
  } catch {
    return 'the configured address'
  }
}

/** The errors of a chain, outermost first: Prisma wraps the driver's error in `cause` and `meta`. */
function* chain(error: unknown): Generator<Record<string, unknown>> {
  let current: unknown = error
  for (let depth = 0; depth < 6 && typeof current === 'object' && current !== null; depth++) {
    const record = current as Record<string, unknown>
    yield record
    if (Array.isArray(record.errors)) for (const inner of record.errors) yield* chain(inner)
    const meta = record.meta as Record<string, unknown> | undefined
    current = record.cause ?? meta?.driverAdapterError
  }
}

/** SQLSTATE or system error code of the innermost error that has one. */
export function errorCode(error: unknown): string | null {
  let found: string | null = null
  for (const record of chain(error)) {
    for (const code of [record.code, record.originalCode]) {
      if (typeof code === 'string' && !/^P\d{4}$/.test(code)) found = code
    }
  }
  return found
}

export function errorText(error: unknown): string {
  const texts: string[] = []
  for (const record of chain(error)) {
    for (const text of [record.message, record.originalMessage])
      if (typeof text === 'string') texts.push(text)
  }
  return texts.join('\n')
}

function isUnreachable(error: unknown): boolean {
  const code = errorCode(error)
  if (code !== null && (UNREACHABLE.has(code) || code.startsWith('08'))) return true
  for (const record of chain(error)) {
    if (['P1001', 'P1002', 'P1008', 'P1017', 'P2028'].includes(String(record.code))) return true
    if (['DatabaseNotReachable', 'ConnectionClosed', 'SocketTimeout'].includes(String(record.kind)))
      return true
  }
  return UNREACHABLE_TEXT.test(errorText(error))
}

/** @returns a CachescopeError where the error says that the database is away, unable, or refuses us, else the error itself */
export function translateError(error: unknown, databaseUrl: string): unknown {
  if (error instanceof CachescopeError) return error
  const place = describeDatabase(databaseUrl)
  const code = errorCode(error)
  if (code === '28P01' || code === '28000') {
    return new CachescopeError(
      'store-denied',
      `PostgreSQL at ${place} refuses the user or password of DATABASE_URL. Correct them and start again.`,
      { where: 'DATABASE_URL', cause: error },
    )
  }
  if (code === '42501') {
    return new CachescopeError(
      'store-denied',
      `The user of DATABASE_URL may not do what Cachescope needs at ${place}. Make it the owner of the database.`,
      { where: 'DATABASE_URL', cause: error },
    )
  }
  if (code === '3D000') {
    return new CachescopeError(
      'store-invalid-url',
      `The database that DATABASE_URL names does not exist at ${place}. Create it, or correct DATABASE_URL.`,
      { where: 'DATABASE_URL', cause: error },
    )
  }
  const unable = code === null ? undefined : UNABLE[code]
  if (unable !== undefined) {
    return new CachescopeError('store-unreachable', `PostgreSQL at ${place} ${unable}`, {
      where: 'DATABASE_URL',
      cause: error,
    })
  }
  if (isUnreachable(error)) {
    return new CachescopeError(
      'store-unreachable',
      `PostgreSQL at ${place} does not answer. Check that it runs and that DATABASE_URL is right.`,
      { where: 'DATABASE_URL', cause: error },
    )
  }
  return error
}
