/** What the commands and the name of a key say of its use: which uses no copy can serve. */

import { COPY_NAME } from '../protocol/policy.ts'

export type KeyUse =
  | 'counter'
  | 'lock'
  | 'compare-and-set'
  | 'script'
  | 'stream'
  | 'blocking'
  | 'queue'
  | 'multi-key'

const USES: Record<KeyUse, string> = {
  counter:
    'INCR INCRBY INCRBYFLOAT DECR DECRBY HINCRBY HINCRBYFLOAT ZINCRBY APPEND SETRANGE SETBIT BITFIELD PFADD',
  lock: 'SETNX MSETNX HSETNX GETDEL',
  'compare-and-set': 'WATCH MULTI EXEC DISCARD UNWATCH GETSET',
  script: 'EVAL EVALSHA EVAL_RO EVALSHA_RO FCALL FCALL_RO',
  stream:
    'XADD XREAD XREADGROUP XRANGE XREVRANGE XLEN XACK XACKDEL XDEL XDELEX XTRIM XCLAIM XAUTOCLAIM XPENDING XGROUP XINFO XSETID',
  blocking: 'BLPOP BRPOP BLMOVE BLMPOP BRPOPLPUSH BZPOPMIN BZPOPMAX BZMPOP',
  queue: 'LPOP RPOP LMPOP SPOP ZPOPMIN ZPOPMAX ZMPOP',
  'multi-key':
    'MGET MSET SUNION SINTER SDIFF SUNIONSTORE SINTERSTORE SDIFFSTORE SINTERCARD ZUNION ZINTER ZDIFF ZUNIONSTORE ZINTERSTORE ZDIFFSTORE ZINTERCARD ZRANGESTORE GEOSEARCHSTORE PFCOUNT PFMERGE BITOP SMOVE RENAME RENAMENX COPY LMOVE RPOPLPUSH LCS',
}

const BY_COMMAND: ReadonlyMap<string, KeyUse> = new Map(
  Object.entries(USES).flatMap(([use, commands]) =>
    commands.split(' ').map((command): [string, KeyUse] => [command, use as KeyUse]),
  ),
)

/** @param command in capitals; of `XINFO STREAM` the first word counts */
function findUse(command: string): KeyUse | null {
  return BY_COMMAND.get(command.split(' ')[0] ?? '') ?? null
}

/** Of each use, the commands that show it. */
export function usesOf(commands: readonly string[]): Map<KeyUse, string[]> {
  const uses = new Map<KeyUse, string[]>()
  for (const command of commands) {
    const use = findUse(command)
    if (use !== null) uses.set(use, [...(uses.get(use) ?? []), command])
  }
  return uses
}

const READS: ReadonlySet<string> = new Set(
  'GET GETRANGE STRLEN MGET HGET HMGET HGETALL HKEYS HVALS HLEN HEXISTS HSTRLEN HRANDFIELD HSCAN SMEMBERS SISMEMBER SMISMEMBER SCARD SRANDMEMBER SSCAN LRANGE LINDEX LLEN LPOS ZRANGE ZREVRANGE ZRANGEBYSCORE ZREVRANGEBYSCORE ZRANGEBYLEX ZSCORE ZMSCORE ZCARD ZCOUNT ZRANK ZREVRANK ZSCAN EXISTS TTL PTTL TYPE GETBIT BITCOUNT BITPOS GEOPOS GEODIST GEOSEARCH DUMP OBJECT JSON.GET'.split(
    ' ',
  ),
)

export function isRead(command: string): boolean {
  return READS.has(command.split(' ')[0] ?? '')
}

/** As whole words: `session:9` and `user-token:9`, and neither `sessions-per-day` nor `author:9`. */
const SENSITIVE: ReadonlySet<string> = new Set(
  'session sess sid auth oauth authorization token jwt otp totp mfa csrf xsrf nonce password passwd secret credential apikey cookie login'.split(
    ' ',
  ),
)
const LOCKS: ReadonlySet<string> = new Set(['lock', 'mutex', 'semaphore'])

/** @returns the word that makes the key look like session or sign-in data; null without one */
export function sensitiveWord(key: Uint8Array): string | null {
  return wordOf(key, SENSITIVE)
}

/** A lock by `SET … NX` is seen as SET alone: its name tells. @returns the word that does; null without one */
export function lockWord(key: Uint8Array): string | null {
  return wordOf(key, LOCKS)
}

/** The plural only as a segment of its own: `tokens:9`. */
function wordOf(key: Uint8Array, wanted: ReadonlySet<string>): string | null {
  const text = new TextDecoder().decode(key)
  const segments = text.split(/[^a-z0-9_-]+/i).map((segment) => segment.toLowerCase())
  const words = text
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
  return (
    words.find((word) => wanted.has(word)) ??
    segments.find((segment) => segment.endsWith('s') && wanted.has(segment.slice(0, -1))) ??
    null
  )
}

const CONTROL_NAME = /^(\{hk:[^}]*\}:|hk:apps$)/

/** A name that Cachescope itself made: a copy of a key, or what the policy protocol keeps. */
export function isOwnName(key: Uint8Array): boolean {
  const text = new TextDecoder().decode(key.subarray(0, 64))
  return COPY_NAME.test(text) || CONTROL_NAME.test(text)
}
