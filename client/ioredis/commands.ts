/**
 * What commands do, where the library must know. A command that is not here passes plainly, and one that names a
 * policy's key counts as a write: the safe way to be wrong. A test compares both lists with a server's own COMMAND.
 */

/** Of one key, its first argument; nothing but the key's value decides the answer. */
export const ROUTED_READS: ReadonlySet<string> = new Set([
  ...['get', 'strlen', 'getrange', 'substr', 'getbit', 'bitcount', 'bitpos'],
  ...['hget', 'hgetall', 'hmget', 'hkeys', 'hvals', 'hlen', 'hexists', 'hstrlen'],
  ...['lrange', 'lindex', 'llen', 'lpos'],
  ...['smembers', 'sismember', 'smismember', 'scard'],
  ...['zrange', 'zrevrange', 'zrangebyscore', 'zrevrangebyscore', 'zrangebylex', 'zrevrangebylex'],
  ...['zscore', 'zmscore', 'zcard', 'zcount', 'zlexcount', 'zrank', 'zrevrank'],
  ...['geopos', 'geodist', 'geohash', 'geosearch'],
])

/** They write nothing, but are answered plainly: of many keys or none, of a time to live, of chance, of a cursor. */
const OTHER_READS = [
  ...[
    'keys',
    'lolwut',
    'sinter',
    'fcall_ro',
    'zinter',
    'zintercard',
    'evalsha_ro',
    'touch',
    'sort_ro',
    'sintercard',
  ],
  ...[
    'exists',
    'scan',
    'eval_ro',
    'mget',
    'lcs',
    'randomkey',
    'sdiff',
    'dbsize',
    'zunion',
    'zdiff',
    'xread',
    'sunion',
  ],
  ...[
    'georadiusbymember_ro',
    'georadius_ro',
    'zrandmember',
    'hrandfield',
    'srandmember',
    'hscan',
    'sscan',
    'zscan',
  ],
  ...['xlen', 'xrange', 'xrevrange', 'xpending', 'bitfield_ro', 'pttl', 'ttl', 'expiretime', 'pexpiretime'],
  ...['type', 'dump', 'pfcount', 'object', 'memory', 'echo', 'ping'],
]

export const READS: ReadonlySet<string> = new Set([...ROUTED_READS, ...OTHER_READS])

/** They change keys without naming them. */
export const WRITES_OF_ALL: ReadonlySet<string> = new Set(['flushall', 'flushdb', 'swapdb'])
