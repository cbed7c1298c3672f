import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ProcessFile } from '../../../bin/process-file.ts'
import { Supervisor } from '../../../bin/supervisor.ts'
import { requestFault, serveFaults } from '../../../demo/control.ts'
import { Faults } from '../../../demo/faults.ts'
import { connect, type Fleet, readRoles, startFleet } from '../../../demo/fleet.ts'

let directory: string
let supervisor: Supervisor
let fleet: Fleet
let close: () => Promise<void>
let socket: string

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'cachescope-fleet-'))
  socket = join(directory, 'control.sock')
  supervisor = new Supervisor({
    processes: new ProcessFile(join(directory, 'processes.json')),
    logDirectory: join(directory, 'logs'),
    print: () => {},
  })
  fleet = await startFleet(supervisor, join(directory, 'fleet'))
  const faults = new Faults(fleet)
  close = await serveFaults(socket, (request) => faults.apply(request))
})
afterAll(async () => {
  await close?.()
  await supervisor.stop()
  rmSync(directory, { recursive: true })
})

const primaries = async () => (await readRoles(fleet)).filter((role) => role.isPrimary && !role.isFailed)

test('the fleet is a cluster of three primaries, each with a replica, and no slot is missing', async () => {
  const roles = await readRoles(fleet)
  expect(roles.filter((role) => role.isPrimary).map((role) => role.slots)).toHaveLength(3)
  expect(roles.filter((role) => !role.isPrimary)).toHaveLength(3)
  expect(fleet.nodes.every((node) => node.process.pid !== null)).toBe(true)
})

test('kill-node ends the primary of the viral article, its replica takes over, and heal brings it back', async () => {
  const answer = await requestFault(socket, { fault: 'kill-node', node: null })
  expect(answer?.ok).toBe(true)
  const address = /the primary (\S+)/.exec(answer?.message ?? '')?.[1]
  const victim = fleet.nodes.find((node) => node.address === address)
  await expect.poll(() => victim?.process.pid, { timeout: 60_000 }).toBeNull()
  const others = async () => (await primaries()).filter((role) => role.address !== address).length
  await expect.poll(others, { timeout: 60_000 }).toBe(3)

  expect((await requestFault(socket, { fault: 'heal', node: null }))?.message).toContain(
    `${address} is started again`,
  )
  await expect
    .poll(async () => (await readRoles(fleet)).find((role) => role.address === address)?.isFailed, {
      timeout: 60_000,
    })
    .toBe(false)
})

test('pause-node leaves connections without an answer until heal', async () => {
  const node = fleet.nodes.at(-1)
  const request = { fault: 'pause-node', node: node?.address ?? '' } as const
  expect((await requestFault(socket, request))?.message).toContain('SIGSTOP')
  const client = connect(node?.port ?? 0)
  await expect(client.ping()).rejects.toThrow()
  expect((await requestFault(socket, { fault: 'heal', node: null }))?.ok).toBe(true)
  await expect.poll(() => client.ping().catch(() => null), { timeout: 60_000 }).toBe('PONG')
  client.disconnect()
})

test('flush empties every primary', async () => {
  // One that was paused may have been taken for dead.
  await expect.poll(async () => (await primaries()).length, { timeout: 60_000 }).toBe(3)
  const ports = (await primaries()).map((role) => Number(role.address.split(':')[1]))
  const clients = ports.map(connect)
  const count = async () => Promise.all(clients.map((client) => client.dbsize()))
  // Each key is taken by the one that owns its slot, and refused by the others.
  for (let key = 0; key < 20; key++) {
    await Promise.all(clients.map((client) => client.set(`key:${key}`, 'x').catch(() => null)))
  }
  expect((await count()).every((keys) => keys > 0)).toBe(true)
  expect((await requestFault(socket, { fault: 'flush', node: null }))?.message).toContain('FLUSHALL')
  expect(await count()).toEqual([0, 0, 0])
  for (const client of clients) client.disconnect()
})

test.each([
  [{ fault: 'kill-node', node: '127.0.0.1:1' } as const, 'is no node of the demo'],
  [{ fault: 'lag-replica', node: 'primary' } as const, 'only a replica can lag'],
])('%j is refused with a sentence', async (request, text) => {
  const node = request.node === 'primary' ? ((await primaries())[0]?.address ?? '') : request.node
  const answer = await requestFault(socket, { ...request, node })
  expect(answer?.ok).toBe(false)
  expect(answer?.message).toContain(text)
})

test('without a demo nobody answers', async () => {
  expect(await requestFault(join(directory, 'none.sock'), { fault: 'heal', node: null })).toBeNull()
})
