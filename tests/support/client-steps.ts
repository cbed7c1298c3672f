/** Random steps for a client of ioredis: commands of every type, each way of calling them, alone and together. */
import fc from 'fast-check'
import type { Redis } from 'ioredis'

type Arg = string | number | Buffer | (string | number)[]
export type Command = { name: string; args: Arg[] }
export type Way = 'promise' | 'callback' | 'buffer' | 'call' | 'callBuffer' | 'array'
export type Step =
  | { kind: 'one'; way: Way; command: Command }
  | { kind: 'together'; way: Way; commands: Command[] }
  | { kind: 'pipeline' | 'multi' | 'bare multi'; commands: Command[] }
  | { kind: 'watched'; key: string; commands: Command[] }
  | { kind: 'script'; key: string; value: string }
  | { kind: 'stream'; key: string }
/** A client: its methods are looked up by name. */
export type Takes = object

export const BINARY = Buffer.from([0xff, 0x00, 0xfe])
const key = fc.constantFrom<string | Buffer>(
  'string',
  'hash',
  'list',
  'set',
  'zset',
  'missing',
  'cold',
  BINARY,
)
const field = fc.constantFrom('a', 'b', '7', '__proto__')
const value = fc.oneof(
  fc.constantFrom('x', '', '12', 'ü€😀'),
  fc.uint8Array({ maxLength: 8 }).map((b) => Buffer.from(b)),
)
/** Integers alone: a set of them has an order. */
const member = fc.constantFrom('1', '2', '7')
const small = fc.integer({ min: -3, max: 5 })

const command = (name: string, ...args: fc.Arbitrary<Arg>[]): fc.Arbitrary<Command> =>
  fc.tuple(key, ...args).map((all) => ({ name, args: all }))
const word = (text: string) => fc.constant(text)

const reads: fc.Arbitrary<Command>[] = [
  command('get'),
  command('get'),
  command('strlen'),
  command('getrange', small, small),
  command('getbit', fc.nat(9)),
  command('bitcount'),
  command('hget', field),
  command('hgetall'),
  command('hmget', field, field),
  command('hkeys'),
  command('hexists', field),
  command('lrange', small, small),
  command('lindex', small),
  command('llen'),
  command('smembers'),
  command('sismember', member),
  command('scard'),
  command('zrange', small, small),
  command('zrange', word('0'), word('-1'), word('WITHSCORES')),
  command('zrangebyscore', word('-inf'), word('+inf'), word('WITHSCORES')),
  command('zscore', field),
  command('zrank', field),
  command('zmscore', field, field),
  command('type'),
  command('exists'),
  command('ttl'),
  // Wrong on purpose.
  command('hget'),
  command('getrange', field, field),
]
const writes: fc.Arbitrary<Command>[] = [
  command('set', value),
  command('append', value),
  command('incr'),
  command('del'),
  command('unlink'),
  command('hset', field, value),
  command('hdel', field),
  command('rpush', value),
  command('lpop'),
  command('sadd', member),
  command('srem', member),
  command('zadd', small, field),
  command('zrem', field),
  command('expire', word('100')),
  command('setrange', fc.nat(4), field),
]
const anyCommand = fc.oneof(
  { weight: 3, arbitrary: fc.oneof(...reads) },
  { weight: 1, arbitrary: fc.oneof(...writes) },
)
const way = fc.constantFrom<Way>('promise', 'promise', 'callback', 'buffer', 'call', 'callBuffer', 'array')
const pipelinedWay = fc.constantFrom<Way>('promise', 'callback', 'buffer', 'call', 'array')
const several = fc.array(anyCommand, { minLength: 1, maxLength: 5 })
const severalReads = fc.array(fc.oneof(...reads), { minLength: 1, maxLength: 5 })
const text = fc.constantFrom('string', 'hash', 'set', 'cold')

/**
 * @param isPipelined ioredis' automatic pipelines lose the name of a callBuffer, and MULTI without a pipeline
 * @param isConcurrent commands that nobody waits for may overtake each other: of those that are sent together none writes
 */
export const sequence = (isPipelined: boolean, isConcurrent: boolean): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.oneof(
      {
        weight: 8,
        arbitrary: fc.record({
          kind: fc.constant('one' as const),
          way: isPipelined ? pipelinedWay : way,
          command: anyCommand,
        }),
      },
      {
        weight: 3,
        arbitrary: fc.record({
          kind: fc.constant('together' as const),
          way: isPipelined ? pipelinedWay : way,
          commands: isConcurrent ? severalReads : several,
        }),
      },
      {
        weight: 3,
        arbitrary: fc.record({
          kind: isPipelined
            ? fc.constantFrom('pipeline' as const, 'multi' as const)
            : fc.constantFrom('pipeline' as const, 'multi' as const, 'bare multi' as const),
          commands: several,
        }),
      },
      {
        weight: 1,
        arbitrary: fc.record({ kind: fc.constant('watched' as const), key: text, commands: several }),
      },
      {
        weight: 1,
        arbitrary: fc.record({ kind: fc.constant('script' as const), key: text, value: field }),
      },
      {
        weight: 1,
        arbitrary: fc.record({ kind: fc.constant('stream' as const), key: fc.constantFrom('set', 'cold') }),
      },
    ),
    { minLength: 3, maxLength: 14 },
  )

/** @returns what came of it, in a form that tells types apart */
export async function take(client: Takes, step: Step): Promise<unknown> {
  switch (step.kind) {
    case 'one':
      return settled(one(client, step.way, step.command))
    case 'together':
      return Promise.all(step.commands.map((each) => settled(one(client, step.way, each))))
    case 'pipeline':
    case 'multi':
      return settled(chain(client, step.kind, step.commands))
    case 'bare multi': {
      const all = [
        invoke(client, 'multi', [{ pipeline: false }]),
        ...step.commands.map((each) => one(client, 'promise', each)),
        invoke(client, 'exec', []),
      ]
      return Promise.all(all.map(settled))
    }
    case 'watched': {
      const watched = settled(invoke(client, 'watch', [step.key]))
      const read = settled(invoke(client, 'get', [step.key]))
      return Promise.all([watched, read, settled(chain(client, 'multi', step.commands))])
    }
    case 'script': {
      const script = "redis.call('set', KEYS[1], ARGV[1]) return redis.call('get', KEYS[1])"
      const ran = settled(invoke(client, 'eval', [script, 1, step.key, step.value]))
      return [await ran, await settled(invoke(client, 'get', [step.key]))]
    }
    case 'stream':
      return settled(drain(client, step.key))
  }
}

function one(client: Takes, way: Way, { name, args }: Command): Promise<unknown> {
  switch (way) {
    case 'promise':
      return invoke(client, name, args)
    case 'buffer':
      return invoke(client, `${name}Buffer`, args)
    case 'call':
      return invoke(client, 'call', [name, ...args])
    case 'callBuffer':
      return invoke(client, 'callBuffer', [name.toUpperCase(), args])
    case 'array':
      return invoke(client, name, [args])
    case 'callback':
      return new Promise((resolve, reject) => {
        const done = (error: unknown, ...result: unknown[]) => (error ? reject(error) : resolve([...result]))
        invoke(client, name, [...args, done]).catch(() => {})
      })
  }
}

async function invoke(client: Takes, name: string, args: unknown[]): Promise<unknown> {
  const method: unknown = Reflect.get(client, name)
  if (typeof method !== 'function') throw new Error(`no ${name}`)
  return Reflect.apply(method, client, args)
}

async function chain(client: Takes, kind: 'pipeline' | 'multi', commands: Command[]): Promise<unknown> {
  const method: unknown = Reflect.get(client, kind)
  if (typeof method !== 'function') throw new Error(`no ${kind}`)
  const pipeline: object = Reflect.apply(method, client, [])
  for (const { name, args } of commands) void invoke(pipeline, name, args)
  return invoke(pipeline, 'exec', [])
}

async function drain(client: Takes, key: string): Promise<unknown> {
  const method: unknown = Reflect.get(client, 'sscanStream')
  if (typeof method !== 'function') throw new Error('no sscanStream')
  const stream: AsyncIterable<string[]> = Reflect.apply(method, client, [key])
  const found: string[] = []
  for await (const page of stream) found.push(...page)
  return found.sort()
}

const settled = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => ({ value: describeValue(value) }),
    (error: Error) => ({ error: describeError(error) }),
  )

function describeValue(value: unknown): unknown {
  if (value instanceof Error) return { error: describeError(value) }
  if (value instanceof Buffer) return { buffer: value.toString('latin1') }
  if (Array.isArray(value)) return value.map(describeValue)
  if (value instanceof Map) return { map: [...value].map(describeValue) }
  if (value instanceof Set) return { set: [...value].map(describeValue) }
  if (typeof value !== 'object' || value === null) return value
  return {
    prototype: Object.getPrototypeOf(value) === null,
    fields: Object.entries(value).map(describeValue),
  }
}

const describeError = (error: Error) => ({
  name: error.name,
  message: error.message.replace(/app:/g, ''),
  command: describeValue(Reflect.get(error, 'command')),
})

/** One key of each type, the same every time. */
export async function seedData(client: Redis): Promise<void> {
  await client
    .pipeline()
    .del('string', 'hash', 'list', 'set', 'zset', 'missing', 'cold', BINARY)
    .set('string', '12')
    .hset('hash', 'a', '1', 'b', 'ü', '__proto__', 'x')
    .rpush('list', 'a', 'b', '7')
    .sadd('set', '1', '2', '7')
    .zadd('zset', 1, 'a', 2.5, 'b')
    .set(BINARY, BINARY)
    .set('cold', 'c')
    .exec()
}
