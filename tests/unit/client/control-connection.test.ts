/** The control's own connection on sockets of loopback, opened by connectors of ioredis 6 and 5. */
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { Redis } from 'ioredis'
import { Redis as Redis5 } from 'ioredis-5'
import { afterEach, describe, expect, test } from 'vitest'
import { ControlConnection } from '../../../client/control/control-connection.ts'
import { besideOf } from '../../../client/ioredis/side-connection.ts'
import { type Client, isClient } from '../../../client/ioredis/types.ts'
import { startScriptedServer } from '../../support/scripted-server.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

/** @param answer to what came in one piece; null: none */
async function serve(answer: (request: string, socket: Socket) => string | null) {
  const server = await startScriptedServer((socket) => {
    socket.on('data', (chunk) => {
      const reply = answer(chunk.toString('latin1'), socket)
      if (reply !== null) socket.write(Buffer.from(reply, 'latin1'))
    })
  })
  ends.push(server.close)
  return server
}

function open(options: object, Client: new (options: object) => object = Redis): ControlConnection {
  const source: unknown = new Client({ lazyConnect: true, ...options })
  if (!isClient(source)) throw new Error('no client')
  const connection = new ControlConnection(besideOf(source))
  ends.push(() => connection.close())
  return connection
}

const wordsOf = (received: string) =>
  received.split('\r\n').filter((line) => !/^[*$]\d+$/.test(line) && line !== '')

describe.each([
  ['ioredis 6', Redis],
  ['ioredis 5', Redis5],
])('with %s', (_, Client) => {
  test('commands are answered in their order, however the replies are cut', async () => {
    const replies = '$5\r\naé\r\n\r\n:7\r\n-NOPERM no\r\n$-1\r\n'
    const server = await serve(() => null)
    const connection = open({ port: server.port, disableClientInfo: true }, Client)
    await connection.ready
    const asked = ['é', '2', '3', '4'].map((word) => connection.send('GET', word))
    const answers = Promise.allSettled(asked)
    await expect.poll(() => server.received()).toContain('4\r\n')
    expect(server.received()).toContain(Buffer.from('$2\r\né\r\n').toString('latin1'))
    for (const byte of replies) {
      server.write(byte)
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    expect((await answers).map((one) => (one.status === 'fulfilled' ? one.value : one.reason))).toEqual([
      'aé\r\n',
      7,
      new Error('NOPERM no'),
      null,
    ])
  })

  test.each([
    ['a password', { password: 'p w' }, ['AUTH', 'p w']],
    ['a user and a password', { username: 'shop', password: 'pé' }, ['AUTH', 'shop', 'pé']],
    ['a user that needs none', { username: 'shop' }, ['AUTH', 'shop']],
    ['nothing', {}, []],
  ])('it signs in with %s, and tells who it is', async (__, options, auth) => {
    const server = await serve(() => null)
    const connection = open({ port: server.port, clientInfoTag: 'hk_1.0', ...options }, Client)
    await expect.poll(() => server.received()).toContain('hk_1.0')
    const words = wordsOf(Buffer.from(server.received(), 'latin1').toString())
    expect(words).toEqual([...auth, 'CLIENT', 'SETINFO', 'LIB-NAME', 'ioredis(hk_1.0)'])
    server.write(`${auth.length > 0 ? '+OK\r\n' : ''}-ERR unknown subcommand\r\n`)
    await connection.ready
  })
})

test.each([
  ['-ERR AUTH <password> called without any password configured for the default user', true],
  ['-ERR Client sent AUTH, but no password is set', true],
  ["-ERR wrong number of arguments for 'auth' command", true],
  ['-WRONGPASS invalid username-password pair or user is disabled.', false],
])('AUTH answered with %s', async (reply, isReady) => {
  const server = await serve(() => `${reply}\r\n`)
  const connection = open({ port: server.port, username: 'u', password: 'p', disableClientInfo: true })
  if (isReady) await connection.ready
  else await expect(connection.ready).rejects.toThrow('WRONGPASS')
  expect(connection.isOpen).toBe(isReady)
})

test.each([
  ['a reply that nothing asked for', ':1\r\n:2\r\n', 'nothing has asked for'],
  ['what is no reply', 'HTTP/1.1 400 Bad Request\r\n', 'unknown kind'],
  ['half a gigabyte', '$536870912\r\n', 'unknown kind'],
])('%s ends it, and what waits is told', async (_, text, why) => {
  const server = await serve(() => text)
  const connection = open({ port: server.port, disableClientInfo: true })
  await connection.ready
  const asked = connection.send('GET', 'k')
  await asked.catch(() => {})
  await expect.poll(() => connection.isOpen).toBe(false)
  await expect(connection.send('GET', 'k')).rejects.toThrow(why)
  await expect.poll(() => server.openSockets()).toBe(0)
})

test('the server closes it: what waits is told, and no timer is left', async () => {
  const server = await serve((_request, socket) => {
    socket.end()
    return null
  })
  const connection = open({ port: server.port, disableClientInfo: true })
  await connection.ready
  await expect(connection.send('GET', 'k')).rejects.toThrow('closed')
  expect(connection.isOpen).toBe(false)
})

test('a value of megabytes in many pieces is one reply', async () => {
  const value = 'é'.repeat(3_000_000)
  const server = await serve(() => null)
  const connection = open({ port: server.port, disableClientInfo: true })
  await connection.ready
  const asked = connection.send('GET', 'k')
  await expect.poll(() => server.received()).toContain('GET')
  server.write(`$6000000\r\n${value}\r\n`)
  expect(await asked).toBe(value)
})

describe('a connector of the application', () => {
  type Opening = () => Promise<unknown>
  const withConnector = (opening: Opening, disconnect: () => void = () => {}) => {
    class Connector {
      connect = opening
      disconnect = disconnect
      check = () => true
    }
    const source: unknown = new Redis({ lazyConnect: true, disableClientInfo: true })
    if (!isClient(source)) throw new Error('no client')
    const side: Client = { ...besideOf(source), connector: new Connector() } as Client
    Object.assign(side, { options: source.options })
    return new ControlConnection(side)
  }

  test('that refuses is told of', async () => {
    const connection = withConnector(() => Promise.reject(new Error('no way')))
    await expect(connection.ready).rejects.toThrow('no way')
    await expect(connection.send('GET', 'k')).rejects.toThrow('no way')
  })

  test('that gives no socket is told of', async () => {
    await expect(withConnector(() => Promise.resolve({})).ready).rejects.toThrow('opens a socket')
  })

  test('that is late leaves no socket, and its errors are heard', async () => {
    const server = await serve(() => null)
    const { promise, resolve } = Promise.withResolvers<unknown>()
    const connection = withConnector(() => promise)
    connection.close()
    const late = connect(server.port, '127.0.0.1')
    resolve(late)
    await expect(connection.ready).rejects.toThrow('closed')
    expect(late.destroyed).toBe(true)
    late.emit('error', new Error('reset'))
  })

  test('that cannot disconnect keeps nobody waiting', async () => {
    const server = await serve(() => null)
    const connection = withConnector(
      () => Promise.resolve(connect(server.port, '127.0.0.1')),
      () => {
        throw new Error('no')
      },
    )
    await connection.ready
    const asked = connection.send('GET', 'k')
    connection.close()
    await expect(asked).rejects.toThrow('closed')
    await expect.poll(() => server.openSockets()).toBe(0)
  })
})
