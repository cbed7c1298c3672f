/** Each fault: what it does to the world, and when everything has recovered from it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type RedisProcess, until } from '../redis.ts'
import { type Fault, nowUs } from './history.ts'
import type { FaultName, PlannedFault } from './plan.ts'
import type { World } from './world.ts'

type Hit = {
  target: string
  /** Registers whose primary it was. */
  mayLose: string[]
}
type Inject = (world: World, planned: PlannedFault, keys: string[]) => Promise<Hit>

/** @returns when all has recovered */
export async function injectFault(world: World, planned: PlannedFault, keys: string[]): Promise<Fault> {
  const startedUs = nowUs()
  const hit = await INJECT[planned.name](world, planned, keys)
  return { kind: 'fault', name: planned.name, ...hit, startedUs, endedUs: nowUs() }
}

const INJECT: Record<FaultName, Inject> = {
  async 'kill-collector'(world, { lastsMs, pick }) {
    const collector = (await world.owner()) ?? choose(world.collectors, pick)
    const target = `pid ${collector.pid}`
    await collector.kill()
    await sleep(lastsMs)
    await collector.restart()
    await world.untilWatched()
    return { target, mayLose: [] }
  },
  async 'stop-collector'(world, { lastsMs, pick }) {
    const collector = (await world.owner()) ?? choose(world.collectors, pick)
    collector.signal('SIGSTOP')
    await sleep(lastsMs)
    collector.signal('SIGCONT')
    await world.untilWatched()
    return { target: `pid ${collector.pid}`, mayLose: [] }
  },
  async 'kill-primary'(world, { pick }, keys) {
    const node = choose(await world.primaries(), pick)
    const mayLose = await keysOf(world, node, keys)
    await node.kill('SIGKILL')
    // Back before its replica was promoted, it would be an empty primary: Redis without persistence loses all then.
    await until('its replica has taken over', async () => {
      const roles = await world.roles()
      const lost = roles.find(({ address }) => address === node.address)
      return roles.length > 0 && (lost === undefined || lost.slots.length === 0)
    })
    await node.restart()
    await world.untilClusterIsWhole()
    return { target: node.address, mayLose }
  },
  async 'stop-primary'(world, { lastsMs, pick }, keys) {
    const node = choose(await world.primaries(), pick)
    const mayLose = await keysOf(world, node, keys)
    await node.kill('SIGSTOP')
    await sleep(lastsMs)
    await node.kill('SIGCONT')
    await world.untilClusterIsWhole()
    return { target: node.address, mayLose }
  },
  async 'kill-replica'(world, { lastsMs, pick }) {
    const node = choose(await world.replicas(), pick)
    await node.kill('SIGKILL')
    await sleep(lastsMs)
    await node.restart()
    await world.untilClusterIsWhole()
    return { target: node.address, mayLose: [] }
  },
  async 'stop-replica'(world, { lastsMs, pick }) {
    const node = choose(await world.replicas(), pick)
    await node.kill('SIGSTOP')
    await sleep(lastsMs)
    await node.kill('SIGCONT')
    await world.untilClusterIsWhole()
    return { target: node.address, mayLose: [] }
  },
  async 'cut-replication'(world, { lastsMs, pick }) {
    const node = choose(await world.primaries(), pick)
    const end = nowUs() + lastsMs * 1_000
    while (nowUs() < end) {
      await node.command('CLIENT', 'KILL', 'TYPE', 'replica')
      await sleep(50)
    }
    await world.untilClusterIsWhole()
    return { target: node.address, mayLose: [] }
  },
  async 'kill-trackers'(world) {
    await Promise.all(
      world.cluster.nodes.map(async (node) => {
        const clients = String(await node.command('CLIENT', 'LIST')).split('\n')
        // t: tracks keys; P: is subscribed.
        const trackers = clients.filter((line) => /\bflags=\S*[tP]/.test(line))
        for (const line of trackers) {
          await node.command('CLIENT', 'KILL', 'ID', /\bid=(\d+)/.exec(line)?.[1] ?? '0')
        }
      }),
    )
    return { target: 'all nodes', mayLose: [] }
  },
  async 'kill-connections'(world, { pick }) {
    const node = choose(world.cluster.nodes, pick)
    await node.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    return { target: node.address, mayLose: [] }
  },
  async 'cut-postgres'(world, { lastsMs }) {
    world.proxy.cut()
    await sleep(lastsMs)
    world.proxy.mend()
    await world.untilWatched()
    return { target: 'PostgreSQL', mayLose: [] }
  },
}

async function keysOf(world: World, node: RedisProcess, keys: string[]): Promise<string[]> {
  const owners = await Promise.all(keys.map((key) => world.ownerOf(key)))
  return keys.filter((_, index) => owners[index] === node.address)
}

function choose<T>(choices: readonly T[], pick: number): T {
  const choice = choices[Math.min(choices.length - 1, Math.floor(pick * choices.length))]
  if (choice === undefined) throw new Error('nothing to choose from')
  return choice
}
