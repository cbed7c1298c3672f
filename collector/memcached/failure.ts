/** Why a Memcached cannot be read, in one sentence each. Holds nothing that a cache stores. */
import { failureOfSystemError, timeoutFailure } from '../connection/failure.ts'

export class MemcachedFailure extends Error {
  override readonly name = 'MemcachedFailure'
}

export function socketFailure(code: string | undefined, address: string): MemcachedFailure {
  const known = failureOfSystemError(code, address)
  return new MemcachedFailure(
    known?.message ??
      `${address} cannot be reached (${code ?? 'unknown'}). Check the address and the network.`,
  )
}

export const silent = (address: string): MemcachedFailure =>
  new MemcachedFailure(timeoutFailure(address).message)

/** It accepted the connection and closed it before it had said anything. */
export const closedAtOnce = (address: string): MemcachedFailure =>
  new MemcachedFailure(
    `${address} closes the connection without a word. A Memcached that demands SASL or TLS does: give Cachescope a plain port on a private network.`,
  )

/** What the first line that is no answer of `stats` says of who answers. */
export function foreignAnswer(line: string, address: string): MemcachedFailure {
  if (/^CLIENT_ERROR unauthenticated/.test(line)) {
    return new MemcachedFailure(
      `${address} wants a user and a password (memcached -Y). Cachescope cannot sign in to a Memcached: give it a port without on a private network.`,
    )
  }
  if (/^ERROR Too many open connections/.test(line)) {
    return new MemcachedFailure(`${address} has no room for another client. Raise its limit (memcached -c).`)
  }
  if (/^-(ERR|NOAUTH|DENIED|WRONGPASS|LOADING)\b/.test(line)) {
    return new MemcachedFailure(`A Redis answers at ${address}, not a Memcached. Write redis:// instead.`)
  }
  if (line.startsWith('HTTP/'))
    return new MemcachedFailure(`A web server answers at ${address}, not a Memcached.`)
  if (line.startsWith('SSH-'))
    return new MemcachedFailure(`An SSH server answers at ${address}, not a Memcached.`)
  if (line.charCodeAt(0) === 0x15) {
    return new MemcachedFailure(`${address} wants TLS, which Cachescope does not speak to a Memcached.`)
  }
  return new MemcachedFailure(`What answers at ${address} is not a Memcached. Correct the host or port.`)
}

/** What a Memcached says to `watch` when it does not say OK. */
export function watchRefusal(line: string, address: string): MemcachedFailure {
  if (/^WATCHER_TOO_MANY/.test(line)) {
    return new MemcachedFailure(`All 20 places for watchers of ${address} are taken: close another watcher.`)
  }
  if (/not allowed/.test(line)) {
    return new MemcachedFailure(
      `${address} was started with -W, which disables watch: start it without to see hot keys.`,
    )
  }
  if (/^WATCHER_FAILED/.test(line)) {
    return new MemcachedFailure(`${address} could not add a watcher: see its log; it is asked again.`)
  }
  if (/^(CLIENT_)?ERROR/.test(line)) {
    return new MemcachedFailure(
      `${address} does not know \`watch fetchers mutations\`: Memcached 1.4.26 and newer do.`,
    )
  }
  return foreignAnswer(line, address)
}
