/** What becomes of a read where something is on its way, another database is selected, or a copy cannot be asked. */
import { expect, test } from 'vitest'
import { LivePolicy } from '../../../client/live-policy.ts'
import { keyPolicy, localPolicy, variantsPolicy } from '../../support/hot-client.ts'
import { fakeClient, fakeCommand, libraryParts } from '../../support/library-parts.ts'

const COPY = '{hk0.1}:k'
const copied = () => keyPolicy('k', { variants: variantsPolicy([COPY], false) })
const never = () => new Promise<unknown>(() => {})

test('while a write of its own is on its way reads are plain, and for a second after it', async () => {
  let at = 0
  const { get, asked, writes, policies } = libraryParts({
    policies: [copied()],
    settings: { now: () => at },
  })
  const [policy] = policies.live
  const command = fakeCommand('set', 'k', 'new')
  writes.observe(command)
  at = 20_000
  await get('k')
  expect(policy?.reads).toBe(1)
  command.resolve('OK')
  at += 999
  await get('k')
  at += 1
  await get('k')
  expect(asked).toEqual(['k', 'k', COPY])
})

test('a write that is on its way closes the local cache too', async () => {
  const { get, asked, writes } = libraryParts({
    policies: [keyPolicy('k', { local: localPolicy({ track: false }) })],
  })
  await get('k')
  await get('k')
  expect(asked).toHaveLength(1)
  const command = fakeCommand('set', 'k', 'new')
  writes.observe(command)
  await Promise.all([get('k'), get('k')])
  expect(asked).toHaveLength(3)
  command.reject(new Error('no'))
  await get('k')
  await get('k')
  expect(asked).toHaveLength(4)
})

test('a write is heard of by the policies of its key in every database', () => {
  const { writes, policies } = libraryParts({
    policies: [keyPolicy('k', { db: 0, replicaRead: true }), keyPolicy('k', { db: 1, replicaRead: true })],
  })
  writes.observe(fakeCommand('set', Buffer.from('k'), 'new'))
  expect(policies.live.map(({ db, pendingWrites }) => ({ db, pendingWrites }))).toEqual([
    { db: 0, pendingWrites: 1 },
    { db: 1, pendingWrites: 1 },
  ])
})

test('a copy that cannot even be sent: the key itself is read, and the caller is thrown nothing', async () => {
  const { reader, asked, policies, errors } = libraryParts({
    policies: [copied()],
    get: (key) => {
      if (key === COPY) throw new TypeError("Cannot read properties of undefined (reading 'join')")
      return Promise.resolve('the key itself')
    },
  })
  expect(await reader.read('get', ['k'], 0)).toBe('the key itself')
  expect(asked).toEqual([COPY, 'k'])
  expect(policies.live[0]?.fallbacks).toBe(1)
  expect(errors()).toBe(0)
})

test('an error of the library itself is counted, and the command is the plain one', async () => {
  let isBroken = false
  const { reader, asked, errors } = libraryParts({
    policies: [copied()],
    settings: {
      random: () => {
        if (isBroken) throw new Error('broken')
        return 0
      },
    },
  })
  isBroken = true
  expect(await reader.read('get', ['k'], 0)).toBe('a value')
  expect(asked).toEqual(['k'])
  expect(errors()).toBe(1)
})

test('what the plain command throws is thrown, as without the library', () => {
  const { reader } = libraryParts({
    policies: [],
    get: () => {
      throw new TypeError('plain')
    },
  })
  expect(() => reader.read('get', ['other'], 0)).toThrow('plain')
})

test('a read that waits for a copy is asked for at the key itself before the connection ends', async () => {
  const { get, asked, reader } = libraryParts({
    policies: [copied()],
    get: (key) => (key === COPY ? never() : Promise.resolve('the key itself')),
  })
  const reading = get('k')
  reader.leaveAll()
  expect(asked).toEqual([COPY, 'k'])
  reader.leaveAll()
  expect(await reading).toBe('the key itself')
  expect(asked).toHaveLength(2)
})

test('a copy that was silent once is passed by for five seconds', async () => {
  let at = 0
  const { get, asked } = libraryParts({
    policies: [copied()],
    settings: { now: () => at },
    get: (key) => (key === COPY ? never() : Promise.resolve('the key itself')),
  })
  await get('k')
  at = 4_999
  await get('k')
  at = 5_000
  void get('k')
  expect(asked).toEqual([COPY, 'k', 'k', COPY])
})

test.each([
  { protocol: 2, isPlain: true },
  { protocol: 3, isPlain: false },
])('on a connection that subscribes, in RESP$protocol: plain $isPlain', async ({ protocol, isPlain }) => {
  const client = fakeClient()
  const { get, asked } = libraryParts({
    client,
    policies: [keyPolicy('k', { local: localPolicy({ track: false }) })],
  })
  await get('k')
  client.condition = { subscriber: {}, protocol }
  await get('k')
  expect(asked).toHaveLength(isPlain ? 2 : 1)
})

test('behind a Sentinel only a replica of the selected database is read, and another is opened for it', async () => {
  const opened: unknown[] = []
  const duplicate = (overrides: unknown) => {
    const db = Number(Reflect.get(Object(overrides), 'db'))
    opened.push(db)
    return Object.assign(fakeClient({ options: { db } }), { get: async () => `of database ${db}` })
  }
  const client = fakeClient({ options: { sentinels: [{}], db: 0 }, duplicate })
  const policies = [
    keyPolicy('k', { db: 0, replicaRead: true }),
    keyPolicy('k', { db: 1, replicaRead: true }),
  ]
  const {
    get,
    replicas,
    policies: inForce,
    rename,
  } = libraryParts({
    client,
    policies,
    settings: { random: () => 0.9 },
  })
  replicas.keep(inForce.live, 0)
  expect(await get('k')).toBe('of database 0')
  rename(1)
  expect(await get('k')).toBe('a value')
  replicas.keep(inForce.live, 1)
  expect(await get('k')).toBe('of database 1')
  rename(2)
  replicas.keep(inForce.live, 2)
  expect(opened).toEqual([0, 1])
  expect(replicas.connections).toEqual([])
})

test('an own read is one while a write is on its way', () => {
  const policy = new LivePolicy(copied())
  expect(policy.isOwnRead(5_000)).toBe(false)
  policy.pendingWrites = 1
  expect(policy.isOwnRead(5_000)).toBe(true)
})
