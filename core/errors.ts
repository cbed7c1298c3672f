/**
 * Errors that a person is meant to read: what is wrong, where, and what to do next.
 * Translated once at each edge: an exit code in bin/, a problem+json in app/api, a state on a page.
 */
export type ErrorCode =
  | 'config-invalid'
  | 'store-unreachable'
  | 'store-denied'
  | 'store-too-old'
  | 'store-newer-schema'
  | 'store-half-migrated'
  | 'store-invalid-url'
  | 'not-found'
  | 'invalid-parameter'
  /** A mitigation may not be done; the message has every reason. */
  | 'mitigation-refused'
  /** Another one runs on the same target, or an idempotency key was used for something else. */
  | 'mitigation-conflict'

export class CachescopeError extends Error {
  override readonly name = 'CachescopeError'
  readonly code: ErrorCode
  /** The request parameter, file or setting at fault, where there is one. */
  readonly where: string | null

  constructor(code: ErrorCode, message: string, options: { where?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.code = code
    this.where = options.where ?? null
  }
}
