/** The ways in which a process reads and writes a register: single commands, pipelines, transactions, strings and hashes. */
import type { Cluster } from 'ioredis'
import type { Random } from '../random-draws.ts'

/** `kept`: a string that is never deleted, so that nothing else can be taken for its absence. */
export type RegisterType = 'string' | 'hash' | 'kept'
export type ReadCommand = { how: string; run(client: Cluster, key: string): Promise<string | null> }
export type WriteCommand = {
  how: string
  /** What the key holds afterwards; null: nothing. */
  value: string | null
  expiresInMs: number | null
  run(client: Cluster, key: string): Promise<unknown>
}

const FIELD = 'value'

const STRING_READS: ReadCommand[] = [
  { how: 'GET', run: (client, key) => client.get(key) },
  { how: 'GET', run: (client, key) => client.get(key) },
  { how: 'GET as a buffer', run: async (client, key) => text(await client.getBuffer(key)) },
  {
    how: 'GET in a pipeline',
    run: async (client, key) => text(only(await client.pipeline().get(key).exec())),
  },
]
const HASH_READS: ReadCommand[] = [
  { how: 'HGETALL', run: async (client, key) => (await client.hgetall(key))[FIELD] ?? null },
  { how: 'HGET', run: (client, key) => client.hget(key, FIELD) },
  {
    how: 'HGETALL as buffers',
    run: async (client, key) => text((await client.hgetallBuffer(key))[FIELD] ?? null),
  },
]

export function drawRead(type: RegisterType, random: Random): ReadCommand {
  const commands = type === 'hash' ? HASH_READS : STRING_READS
  const command = commands[Math.floor(random() * commands.length)]
  if (command === undefined) throw new Error('no read to draw from')
  return command
}

/** @param value what is written if it is not a deletion */
export function drawWrite(type: RegisterType, value: string, random: Random): WriteCommand {
  const kinds = { string: STRING_WRITES, hash: HASH_WRITES, kept: KEPT_WRITES }[type]
  const kind = kinds[Math.floor(random() * kinds.length)]
  if (kind === undefined) throw new Error('no write to draw from')
  return kind(value, 1_000 + Math.floor(random() * 3_000))
}

type WriteKind = (value: string, expiresInMs: number) => WriteCommand

const set: WriteKind = (value) => ({
  ...{ how: 'SET', value, expiresInMs: null },
  run: (client, key) => client.set(key, value),
})
const del: WriteKind = () => ({
  ...{ how: 'DEL', value: null, expiresInMs: null },
  run: (client, key) => client.del(key),
})
const KEPT_WRITES: WriteKind[] = [
  set,
  (value) => ({
    ...{ how: 'SET of a buffer', value, expiresInMs: null },
    run: (client, key) => client.set(Buffer.from(key), Buffer.from(value)),
  }),
  (value) => ({
    ...{ how: 'SET in a pipeline', value, expiresInMs: null },
    run: async (client, key) => only(await client.pipeline().set(key, value).exec()),
  }),
  (value) => ({
    ...{ how: 'SET in a transaction', value, expiresInMs: null },
    run: async (client, key) => only(await client.multi().set(key, value).exec()),
  }),
]
const STRING_WRITES: WriteKind[] = [
  ...KEPT_WRITES,
  set,
  set,
  del,
  (value, expiresInMs) => ({
    ...{ how: 'SET PX', value, expiresInMs },
    run: (client, key) => client.set(key, value, 'PX', expiresInMs),
  }),
  (value, expiresInMs) => ({
    ...{ how: 'PSETEX', value, expiresInMs },
    run: (client, key) => client.psetex(key, expiresInMs, value),
  }),
  () => ({
    ...{ how: 'UNLINK', value: null, expiresInMs: null },
    run: (client, key) => client.unlink(key),
  }),
  () => ({
    ...{ how: 'GETDEL', value: null, expiresInMs: null },
    run: (client, key) => client.getdel(key),
  }),
]
const HASH_WRITES: WriteKind[] = [
  (value) => ({
    ...{ how: 'HSET', value, expiresInMs: null },
    run: (client, key) => client.hset(key, FIELD, value),
  }),
  (value) => ({
    ...{ how: 'HSET in a pipeline', value, expiresInMs: null },
    run: async (client, key) => only(await client.pipeline().hset(key, FIELD, value).exec()),
  }),
  (value) => ({
    ...{ how: 'HSET in a transaction', value, expiresInMs: null },
    run: async (client, key) => only(await client.multi().hset(key, FIELD, value).exec()),
  }),
  del,
]

function text(value: unknown): string | null {
  if (value === null) return null
  return Buffer.isBuffer(value) ? value.toString() : String(value)
}

/** The only reply of a pipeline or transaction. @throws its error */
function only(replies: [Error | null, unknown][] | null): unknown {
  const [reply] = replies ?? []
  if (reply === undefined) throw new Error('no reply')
  const [error, value] = reply
  if (error !== null) throw error
  return value
}
