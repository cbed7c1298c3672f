/**
 * The type of a key as the command that uses it most tells: asking the server (TYPE) would add a hit. null for commands
 * that take any type, scripts and modules. Pure.
 */
export type KeyType =
  | 'string'
  | 'hash'
  | 'list'
  | 'set'
  | 'zset'
  | 'stream'
  | 'hyperloglog'
  | 'geo'
  | 'bitmap'
  | 'json'

const words = (text: string): Set<string> => new Set(text.split(/\s+/))

const STRING = words(
  'APPEND DECR DECRBY DELEX DIGEST GET GETDEL GETEX GETRANGE GETSET INCR INCRBY INCRBYFLOAT LCS MGET MSET MSETEX MSETNX PSETEX SET SETEX SETNX SETRANGE STRLEN SUBSTR',
)
const LIST = words(
  'LINDEX LINSERT LLEN LMOVE LMPOP LPOP LPOS LPUSH LPUSHX LRANGE LREM LSET LTRIM RPOP RPOPLPUSH RPUSH RPUSHX BLMOVE BLMPOP BLPOP BRPOP BRPOPLPUSH',
)
const SET = words(
  'SADD SCARD SDIFF SDIFFSTORE SINTER SINTERCARD SINTERSTORE SISMEMBER SMEMBERS SMISMEMBER SMOVE SPOP SRANDMEMBER SREM SSCAN SUNION SUNIONSTORE',
)
const BITMAP = words('BITCOUNT BITFIELD BITFIELD_RO BITOP BITPOS GETBIT SETBIT')

/** @param command in capitals, as HotKeySample.topCommand has it */
export function keyTypeOf(command: string | null): KeyType | null {
  const name = (command ?? '').split(' ')[0] ?? ''
  if (STRING.has(name)) return 'string'
  if (LIST.has(name)) return 'list'
  if (SET.has(name)) return 'set'
  if (BITMAP.has(name)) return 'bitmap'
  if (name === 'HELLO' || name === 'HOTKEYS') return null
  if (/^H[A-Z]+$/.test(name)) return 'hash'
  if (/^B?Z[A-Z]+$/.test(name)) return 'zset'
  if (/^X[A-Z]+$/.test(name)) return 'stream'
  if (/^PF[A-Z]+$/.test(name)) return 'hyperloglog'
  if (/^GEO[A-Z]+/.test(name)) return 'geo'
  return name.startsWith('JSON.') ? 'json' : null
}
