/** Moves of a slot where the servers say what no real one of those at hand does. */
import { afterEach, describe, expect, it } from 'vitest'
import { moveSlot } from '../../../collector/mitigations/actions/move-slot.ts'
import type { Topology } from '../../../core/sample.ts'
import { ActionRun, cacheConfig } from '../../support/action-context.ts'
import { until } from '../../support/redis.ts'
import { type Reply, type ScriptedRedis, startScriptedRedis } from '../../support/scripted-redis.ts'

const SLOT = 42
const SOURCE = 'a'.repeat(40)
const DESTINATION = 'b'.repeat(40)
const servers: ScriptedRedis[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

type World = {
  owner: string
  info: string
  ports: number[]
  /** Whether the source still says that the slot leaves it. */
  open?: boolean
  /** The reply to MIGRATE. Default: OK. */
  migrate?: () => Reply
  /** Replies of the engine's own commands. */
  native(words: string[], isSource: boolean): Reply
}

async function startPair(
  world: World,
  now = Date.now,
): Promise<{ run: () => ActionRun; sent: () => string[] }> {
  const start = async (isSource: boolean) => {
    const server = await startScriptedRedis((words) => {
      const [name, sub] = words
      if (name === 'INFO') return world.info
      if (name === 'CLUSTER' && sub === 'NODES') return nodesText(world, isSource)
      if (name === 'CLUSTER' && sub === 'COUNTKEYSINSLOT') return 7
      if (name === 'MIGRATE' && world.migrate) return world.migrate()
      if (name === 'CLUSTER') return world.native(words, isSource)
      return 'OK'
    })
    servers.push(server)
    world.ports.push(server.port)
    return server
  }
  const [source, destination] = [await start(true), await start(false)]
  const shard = (ordinal: number, server: ScriptedRedis, id: string, slots: [number, number][]) => ({
    ordinal,
    slots,
    nodes: [{ address: `127.0.0.1:${server.port}`, role: 'primary' as const, clusterNodeId: id }],
  })
  const topology: Topology = {
    cacheId: 'shop',
    at: 1,
    shards: [shard(1, source, SOURCE, [[0, 8_191]]), shard(2, destination, DESTINATION, [[8_192, 16_383]])],
  }
  return {
    run: () =>
      new ActionRun({
        action: moveSlot(),
        name: 'move-slot',
        target: { kind: 'cache' },
        parameters: { slot: SLOT, toShardId: 2 },
        cache: cacheConfig('cluster'),
        topology,
        now,
      }),
    sent: () =>
      [source, destination].flatMap((server, index) =>
        server.commands
          .filter((words) => /^CLUSTER (MIG|CANCEL|SETSLOT)/.test(words) && !words.includes('STATUS'))
          .map((words) => `${index === 0 ? 'source' : 'destination'}: ${words}`),
      ),
  }
}

function nodesText({ owner, ports, open }: World, isSource: boolean): string {
  const line = (id: string, port: number | undefined, isMyself: boolean, slots: string) =>
    `${id} 127.0.0.1:${port}@1 ${isMyself ? 'myself,' : ''}master - 0 0 1 connected ${slots}`
  const moved = owner === DESTINATION
  const migrating = open && isSource ? ` [${SLOT}->-${DESTINATION}]` : ''
  return [
    line(SOURCE, ports[0], isSource, `${owner === SOURCE ? '0-8191' : '0-41 43-8191'}${migrating}`),
    line(DESTINATION, ports[1], !isSource, moved ? '42 8192-16383' : '8192-16383'),
  ].join('\n')
}

const REDIS = 'redis_version:8.4.0\r\nrun_id:r\r\nrole:master\r\n'
describe('a native move', () => {
  it('is done key by key where the server knows no such command after all', async () => {
    const world: World = {
      owner: SOURCE,
      info: REDIS,
      ports: [],
      native(words) {
        if (words[1] === 'MIGRATION')
          return new Error("ERR unknown subcommand 'MIGRATION'. Try CLUSTER HELP.")
        if (words[1] === 'GETKEYSINSLOT') return []
        if (words[3] === 'NODE') world.owner = DESTINATION
        return 'OK'
      },
    }
    const { run, sent } = await startPair(world)
    const one = run()
    expect(await one.on()).toMatchObject({ kind: 'finished' })
    expect(sent()).toContain(`destination: CLUSTER SETSLOT ${SLOT} IMPORTING ${SOURCE}`)
    one.close()
  })
})

describe('a native move that is ordered', () => {
  const taskOf = (state: string) => [
    ...['id', 't1', 'slots', `${SLOT}-${SLOT}`, 'dest', DESTINATION, 'operation', 'import'],
    ...['state', state, 'last_error', '', 'create_time', '1'],
  ]

  it('is waited for where it is completed and the cluster does not say so yet', async () => {
    let tasks: Reply[] = []
    const world: World = {
      ...{ owner: SOURCE, info: REDIS, ports: [] },
      native(words) {
        if (words[2] === 'IMPORT') tasks = [taskOf('completed')]
        return words[2] === 'STATUS' ? tasks : 'OK'
      },
    }
    const { run, sent } = await startPair(world)
    const one = run()
    const moving = one.on()
    const isAwaited = (message: string) => message.startsWith('The cluster learns that')
    await until('it waits', () => one.messages.filter(isAwaited).length >= 10)
    world.owner = DESTINATION
    expect(await moving).toMatchObject({ kind: 'finished' })
    expect(sent()).toEqual([`destination: CLUSTER MIGRATION IMPORT ${SLOT} ${SLOT}`])
    one.close()
  })

  it('is ordered five times, five seconds apart, where it is refused', async () => {
    let now = 1_000_000
    const world: World = {
      ...{ owner: SOURCE, info: REDIS, ports: [] },
      native: (words) => (words[2] === 'IMPORT' ? new Error('ERR not now') : []),
    }
    const { run, sent } = await startPair(world, () => now)
    const one = run()
    const moving = one.on()
    for (const orders of [1, 2, 3, 4]) {
      const turns = one.messages.length
      await until(`it waits after ${orders}`, () => one.messages.length >= turns + 10)
      expect(sent()).toHaveLength(orders)
      expect(one.messages.at(-1)).toMatch(/not now.* It is begun anew\./)
      now += 5_000
    }
    expect(await moving).toMatchObject({ kind: 'failed', message: expect.stringMatching(/not now/) })
    expect(sent()).toHaveLength(5)
    one.close()
  })
})

describe('a native move that is called off', () => {
  it('is not, while the slot is handed over: writes of that moment would be lost', async () => {
    let state = 'failover-granted'
    let isOrdered = false
    const world: World = {
      owner: SOURCE,
      info: 'redis_version:7.2.4\r\nvalkey_version:9.0.0\r\nrun_id:r\r\nrole:master\r\n',
      ports: [],
      native(words) {
        if (words[1] === 'MIGRATESLOTS') isOrdered = true
        if (words[1] !== 'GETSLOTMIGRATIONS') return 'OK'
        const task = ['name', 't1', 'operation', 'EXPORT', 'slot_ranges', `${SLOT}-${SLOT}`]
        const more = ['target_node', DESTINATION, 'state', state, 'message', '', 'create_time', '1']
        return isOrdered ? [[...task, ...more]] : []
      },
    }
    const { run, sent } = await startPair(world)
    const one = run()
    const moving = one.on()
    await until('it is ordered', () => isOrdered)
    const drain = one.drain()
    await until('it waits', () => one.messages.at(-1)?.includes('is being handed over') ?? false)
    Object.assign(world, { owner: DESTINATION })
    state = 'success'
    expect(await drain).toMatchObject({ kind: 'done', message: expect.stringMatching(/had come to/) })
    expect(await moving).toMatchObject({ kind: 'finished' })
    expect(sent().filter((words) => words.includes('CANCEL'))).toEqual([])
    one.close()
  })
})

describe('a move key by key', () => {
  it.each(['is given up after five batches that failed', 'goes on where the fifth does not fail'])(
    '%s',
    async (name) => {
      let now = 1_000_000
      let sent = 0
      const isGivenUp = name.startsWith('is given up')
      const world: World = {
        owner: SOURCE,
        info: 'redis_version:7.0.15\r\nrun_id:r\r\nrole:master\r\n',
        ports: [],
        migrate() {
          sent++
          return sent <= 4 || isGivenUp
            ? new Error('IOERR error or timeout reading to target instance')
            : 'OK'
        },
        native(words, isSource) {
          if (words[1] === 'GETKEYSINSLOT') return isSource && (sent < 5 || isGivenUp) ? ['k'] : []
          if (words[3] === 'NODE') world.owner = DESTINATION
          return 'OK'
        },
      }
      const { run, sent: changes } = await startPair(world, () => now)
      const one = run()
      const moving = one.on()
      for (const failed of [1, 2, 3, 4]) {
        await until(`${failed} failed`, () => sent === failed)
        const turns = one.messages.length
        await until('it waits', () => one.messages.length >= turns + 10)
        expect(sent).toBe(failed)
        expect(one.messages.at(-1)).toMatch(/IOERR.* It is tried again\./)
        now += 5_000 * failed
      }
      expect(await moving).toMatchObject(
        isGivenUp ? { kind: 'failed', message: expect.stringMatching(/IOERR/) } : { kind: 'finished' },
      )
      expect(sent).toBe(5)
      if (isGivenUp) {
        expect(changes()).toContain(`destination: CLUSTER SETSLOT ${SLOT} STABLE`)
        expect(await one.drain()).toMatchObject({ kind: 'failed', message: expect.stringMatching(/IOERR/) })
        expect(sent).toBe(5)
      }
      one.close()
    },
  )
})

describe('a move key by key that is called off', () => {
  it('is not off while a side has the slot open, though somebody else owns it', async () => {
    const world: World = {
      owner: SOURCE,
      info: 'redis_version:7.0.15\r\nrun_id:r\r\nrole:master\r\n',
      ports: [],
      native: (words) => (words[1] === 'GETKEYSINSLOT' ? [] : 'OK'),
    }
    const { run } = await startPair(world)
    const one = run()
    expect(await one.dieAt(6)).toBe(true)
    Object.assign(world, { owner: 'c'.repeat(40), open: true })
    const drain = one.drain()
    await until('it waits', () => one.messages.at(-1)?.includes('is still open at') ?? false)
    world.open = false
    expect(await drain).toMatchObject({ kind: 'failed', message: expect.stringMatching(/somebody else's/) })
    one.close()
  })
})
