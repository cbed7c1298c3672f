/** Calls that carry a secret in every argument that is no key, and the forms in which a secret could be kept. */
import { callsOf, type ListedCommand } from './command-calls.ts'

/** The server's own word on which arguments are keys; null where it calls them invalid. */
type Oracle = (words: string[]) => Promise<string[] | null>

const MAX_ROUNDS = 8

export async function secretCallsOf(
  command: ListedCommand,
  secret: string,
  oracle: Oracle,
): Promise<string[][]> {
  const calls = callsOf(command, (at) => `${secret}${at}`)
  const safe: string[][] = []
  for (const [index, words] of calls.entries()) {
    // What the server cannot read is told apart by the specifications alone, which stand in every second call.
    const named = await withHarmlessKeys(words, secret, oracle, index % 2 === 1)
    if (named !== null) safe.push(named)
  }
  return safe
}

async function withHarmlessKeys(
  words: string[],
  secret: string,
  oracle: Oracle,
  mayBeInvalid: boolean,
): Promise<string[] | null> {
  let named = words
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const keys = await oracle(named)
    if (keys === null) return mayBeInvalid ? named : null
    const secretKeys = new Set(keys.filter((key) => key.includes(secret)))
    if (secretKeys.size === 0) return named
    named = named.map((word) => (secretKeys.has(word) ? `harmless${word.length}` : word))
  }
  return null
}

/** Commands that succeed, or hand a secret to the server as what it is: a password, a script, a name. */
export function plainSecretCalls(secret: string): string[][] {
  const s = secret
  const long = s.repeat(20)
  return [
    ['AUTH', s],
    ['AUTH', 'default', s],
    ['HELLO', '3', 'AUTH', 'default', s, 'SETNAME', s],
    ['CONFIG', 'SET', 'masterauth', s],
    ['CONFIG', 'SET', 'masteruser', s],
    ['ACL', 'SETUSER', 'somebody', 'on', `>${s}`, '~*', '+@all'],
    ['ACL', 'SETUSER', s, 'on', `>${s}`],
    ['CLIENT', 'SETNAME', s],
    ['MIGRATE', '127.0.0.1', '1', 'string', '0', '10', 'AUTH', s],
    ['MIGRATE', '127.0.0.1', '1', '', '0', '10', 'COPY', 'AUTH2', s, s, 'KEYS', 'string', 'list'],
    ['SCRIPT', 'LOAD', `return '${s}'`],
    ['EVAL', `return '${s}'`, '0', s],
    ['EVAL', `return redis.call('SET', KEYS[1], ARGV[1])`, '1', 'string', s],
    ['EVAL', `return redis.error_reply('${s} is not an error code')`, '0'],
    ['EVAL', `return redis.call('${s}')`, '0'],
    ['EVAL', `redis.log(redis.LOG_WARNING, '${s}')`, '0'],
    ['EVALSHA', s, '0', s],
    ['FUNCTION', 'LOAD', 'REPLACE', functionLibrary(s)],
    ['FCALL', 'secretive', '1', 'string', s],
    ['PUBLISH', s, s],
    ['SPUBLISH', s, s],
    ['SUBSCRIBE', s],
    ['PSUBSCRIBE', s],
    ['ECHO', s],
    ['PING', s],
    [s, s],
    ['DEL', 'string', 'hash', 'list', 'set', 'zset', 'stream', 'geo', 'hll'],
    ['SET', 'string', s],
    ['SET', 'string', s, 'GET', 'EX', '100'],
    ['SETEX', 'string', '100', s],
    ['SETNX', 'string', s],
    ['GETSET', 'string', s],
    ['APPEND', 'string', s],
    ['SETRANGE', 'string', '1', s],
    ['MSET', 'string', s, 'other', s],
    ['MSETNX', 'string', s, 'other', s],
    ['SET', 'string', long],
    ['MSET', ...Array.from({ length: 40 }, (_, at) => [`many${at}`, s]).flat()],
    ['HSET', 'hash', s, s],
    ['HSETNX', 'hash', s, s],
    ['HMGET', 'hash', s],
    ['HINCRBYFLOAT', 'hash', `n${s}`, '1.5'],
    ['HSET', 'hash', ...Array.from({ length: 80 }, () => s)],
    ['LPUSH', 'list', s, s],
    ['LINSERT', 'list', 'BEFORE', s, s],
    ['LSET', 'list', '0', s],
    ['LREM', 'list', '0', s],
    ['LPOS', 'list', s],
    ['SADD', 'set', s],
    ['SMISMEMBER', 'set', s],
    ['SMOVE', 'set', 'otherset', s],
    ['ZADD', 'zset', '1', s],
    ['ZRANGEBYLEX', 'zset', `[${s}`, '+'],
    ['XADD', 'stream', '*', s, s],
    ['XGROUP', 'CREATE', 'stream', s, '$', 'MKSTREAM'],
    ['XREADGROUP', 'GROUP', s, s, 'COUNT', '1', 'STREAMS', 'stream', '>'],
    ['XCLAIM', 'stream', s, s, '0', '0-1'],
    ['GEOADD', 'geo', '1', '1', s],
    ['GEOSEARCH', 'geo', 'FROMMEMBER', s, 'BYRADIUS', '1', 'km'],
    ['PFADD', 'hll', s],
    ['SORT', 'list', 'BY', `${s}*`, 'GET', `${s}*`, 'ALPHA', 'STORE', 'sorted'],
    ['RESTORE', 'restored', '0', s],
    ['BITFIELD', 'string', 'SET', 'u8', '0', s],
    ['KEYS', `${s}*`],
    ['SCAN', '0', 'MATCH', `${s}*`],
    ['CONFIG', 'GET', s],
    ['MEMORY', 'USAGE', 'string', 'SAMPLES', s],
    ['OBJECT', s, 'string'],
    ['CLUSTER', 'MEET', s, s],
  ]
}

function functionLibrary(secret: string): string {
  const body = `redis.register_function('secretive', function(keys, args) return '${secret}' end)`
  return `#!lua name=secretive\n-- ${secret}\n${body}`
}

/** The secret as text, as bytea prints it, and as base64 at each of its three alignments. */
export function formsOf(secret: string): string[] {
  const base64 = [0, 1, 2].map((shift) =>
    Buffer.concat([Buffer.alloc(shift), Buffer.from(secret)])
      .toString('base64')
      // What stands at either end depends on what is beside it.
      .slice(shift === 0 ? 0 : 4, -4),
  )
  const urlSafe = base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'))
  return [...new Set([secret, Buffer.from(secret).toString('hex'), ...base64, ...urlSafe])]
}
