/** What an application says when it wraps its client. */

export type HttpControl = {
  /** Of the Cachescope server. @example 'http://127.0.0.1:3000' */
  url: string
  /** The cache's id in Cachescope's configuration. @example 'shop-cache' */
  cacheId: string
}

export type CachescopeOptions = {
  /**
   * The application's name: its processes are shown and counted together. Letters, digits and `. : _ -`, the first a
   * letter or a digit, at most 100; with another name the client is left as it is.
   * @example 'shop'
   */
  app: string
  /**
   * Where policies come from and heartbeats go to: the cache itself (a small connection of our own, database 0), or
   * Cachescope over HTTP, where the application's user may not touch the keys `{hk:APP}:*` and `hk:apps`.
   * @default 'cache'
   * @example { url: 'http://127.0.0.1:3000', cacheId: 'shop-cache' }
   */
  control?: 'cache' | HttpControl
  /**
   * A number from 0 up to 1, as Math.random gives it: which variant, jitter, when to ask next.
   * @default Math.random
   * @example () => 0.5
   */
  random?: () => number
  /**
   * A monotonic clock in milliseconds: leases and times to live are measured with it.
   * @default () => performance.now()
   */
  now?: () => number
  /**
   * Epoch milliseconds: a policy past its `expiresAt` by this clock is ignored.
   * @default Date.now
   */
  wallClock?: () => number
}

export type Settings = Required<CachescopeOptions>

export function settle(options: CachescopeOptions): Settings {
  return {
    app: options.app,
    control: options.control ?? 'cache',
    random: options.random ?? Math.random,
    now: options.now ?? (() => performance.now()),
    wallClock: options.wallClock ?? Date.now,
  }
}

/** The kill switch: with HOTKEY_DISABLE=1 in the environment every command is the plain one. */
export const isDisabledByEnvironment = (): boolean => process.env.HOTKEY_DISABLE === '1'
