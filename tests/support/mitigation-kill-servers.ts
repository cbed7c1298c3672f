/** What is killed of the actions on one server, or on a primary and its replica. */
import { expect } from 'vitest'
import { NodeConnection } from '../../collector/connection/node-connection.ts'
import { placeOf } from '../../collector/discovery.ts'
import type { MitigationDetail, MitigationRequest, ServerAction } from '../../core/mitigations/model.ts'
import { type KillCase, type KillSite, killCase } from './mitigation-kill-case.ts'
import { requestOf } from './mitigation-world.ts'
import { type RedisProcess, startRedis, until } from './redis.ts'

const idOf = (ids: ReadonlyMap<number, string>, address: string): number => {
  const [found] = [...ids].find(([, one]) => one === address) ?? []
  if (found === undefined) throw new Error(`${address} is not known`)
  return found
}
export const request = (
  action: ServerAction,
  target: MitigationRequest['target'],
  parameters: Record<string, unknown>,
): MitigationRequest => requestOf(action, '', { target, parameters })

/** Steps with this in their command, of one node. */
const stepsAt = ({ steps }: MitigationDetail, node: RedisProcess, command: RegExp) =>
  steps.filter((step) => step.node === node.address && command.test(step.command ?? ''))

export async function startPair(settings: Record<string, string> = {}): Promise<KillSite> {
  const primary = await startRedis({ settings })
  const replica = await startRedis({ settings, replicaOf: primary })
  await until('the replica follows', async () =>
    String(await replica.command('INFO', 'replication')).includes('master_link_status:up'),
  )
  return {
    ...{ kind: 'standalone', urls: [primary.url], nodes: [primary, replica] },
    stop: () => Promise.all([replica.stop(), primary.stop()]),
  }
}

export async function startOne(settings: Record<string, string> = {}): Promise<KillSite> {
  const node = await startRedis({ settings })
  return { kind: 'standalone', urls: [node.url], nodes: [node], stop: node.stop }
}

/**
 * Once it is in force its server is restarted, and has forgotten it: the look at the servers after that is killed.
 * @param meanwhile after the restart
 */
const whenForgotten = <S extends KillSite>(meanwhile: (site: S) => Promise<unknown> = async () => {}) => ({
  isCalledOff: false,
  async meanwhile(site: S) {
    await nodeOf(site).restart()
    await meanwhile(site)
  },
  age: (state: unknown) => ({ ...(state as object), checkedAt: 0 }),
  hasGoneOn: (state: unknown) => (state as { checkedAt: number }).checkedAt > 0,
})

const nodeOf = ({ nodes }: KillSite, index = 0): RedisProcess => {
  const node = nodes[index]
  if (node === undefined) throw new Error(`there is no node ${index}`)
  return node
}
const configOf = async (node: RedisProcess, name: string) =>
  ((await node.command('CONFIG', 'GET', name)) as string[])[1]

const BEFORE = { maxmemory: '104857600' }
/** An eviction policy goes the same way. */
const setConfig: KillCase = {
  name: 'set-config',
  open: () => startPair(BEFORE),
  request: async () => request('set-config', { kind: 'cache' }, { name: 'maxmemory', bytes: 200_000_000 }),
  outcome: 'drained',
  async checkHalfway({ nodes }, _, detail) {
    for (const node of nodes) {
      if ((await configOf(node, 'maxmemory')) === '104857600') continue
      expect(stepsAt(detail, node, /CONFIG SET maxmemory 200000000/)).not.toEqual([])
    }
  },
  async checkEnd({ nodes }, _, detail) {
    for (const node of nodes) {
      expect(await configOf(node, 'maxmemory')).toBe('104857600')
      expect(stepsAt(detail, node, /CONFIG SET maxmemory 200000000/)).not.toEqual([])
      expect(stepsAt(detail, node, /CONFIG SET maxmemory 104857600/)).not.toEqual([])
    }
  },
}

const setConfigAgain: KillCase = {
  ...setConfig,
  name: 'set-config that a restarted server has forgotten',
  open: () => startOne(BEFORE),
  first: whenForgotten(),
  surely: [/CONFIG SET at #1$/],
  async checkEnd(site, label, detail) {
    await setConfig.checkEnd(site, label, detail, null)
    expect(stepsAt(detail, nodeOf(site), /CONFIG SET maxmemory 200000000/).length).toBeGreaterThan(1)
  },
}

const PLAIN = { username: null, password: null, tls: null }
type WithClient = KillSite & { client: NodeConnection; other: NodeConnection; id: number }
const killClient: KillCase<WithClient> = {
  name: 'kill-client',
  async open() {
    const site = await startOne()
    const [client, other] = [0, 1].map(() => new NodeConnection(placeOf(nodeOf(site).address), PLAIN))
    if (client === undefined || other === undefined) throw new Error('two clients')
    await client.open()
    await other.open()
    for (const one of [client, other]) await one.call('CLIENT', 'SETNAME', 'shop')
    const stop = async () => {
      client.close()
      other.close()
      await site.stop()
    }
    return { ...site, client, other, id: Number(await client.call('CLIENT', 'ID')), stop }
  },
  request: async (site, _, { nodeAddresses }) => {
    const nodeId = idOf(nodeAddresses, nodeOf(site).address)
    return request('kill-client', { kind: 'node', nodeId }, { clientId: site.id })
  },
  outcome: 'done',
  async checkHalfway(site, _, detail) {
    if (!site.client.isOpen) expect(stepsAt(detail, nodeOf(site), /CLIENT KILL/)).not.toEqual([])
  },
  async checkEnd(site, _, detail) {
    await until('it is closed', () => !site.client.isOpen)
    expect(await site.other.call('PING')).toBe('PONG')
    expect(stepsAt(detail, nodeOf(site), /CLIENT KILL/).at(-1)?.result).toBe('ok')
  },
}

const flagsOf = async (node: RedisProcess) =>
  ((await node.command('ACL', 'GETUSER', 'greedy')) as unknown[][])[1]
const denyUser: KillCase = {
  name: 'deny-user',
  async open() {
    const site = await startPair()
    for (const node of site.nodes) await node.command('ACL', 'SETUSER', 'greedy', 'on', '>pw', '~*', '+@all')
    return site
  },
  request: async () => request('deny-user', { kind: 'cache' }, { username: 'greedy' }),
  outcome: 'drained',
  async checkHalfway({ nodes }, _, detail) {
    for (const node of nodes) {
      if ((await flagsOf(node))?.includes('on')) continue
      expect(stepsAt(detail, node, /ACL SETUSER greedy off/)).not.toEqual([])
    }
  },
  async checkEnd({ nodes }, _, detail) {
    for (const node of nodes) {
      expect(await flagsOf(node)).toContain('on')
      expect(stepsAt(detail, node, /ACL SETUSER greedy off/).at(-1)?.result).toBe('ok')
      const client = await connectGreedy(node)
      expect(await client.call('PING')).toBe('PONG')
      client.close()
    }
  },
}

async function connectGreedy(node: RedisProcess): Promise<NodeConnection> {
  const client = new NodeConnection(placeOf(node.address), { username: 'greedy', password: 'pw', tls: null })
  await client.open()
  return client
}

type WithGreedy = KillSite & { connected: NodeConnection[] }
const denyUserAgain: KillCase<WithGreedy> = {
  ...denyUser,
  name: 'deny-user that a restarted server has forgotten',
  open: async () => ({ ...(await startOne({ user: 'greedy on >pw ~* +@all' })), connected: [] }),
  first: {
    ...whenForgotten(async (site: WithGreedy) => site.connected.push(await connectGreedy(nodeOf(site)))),
    age: (state) => ({ ...(state as object), checkedAt: 0, runIds: {} }),
    // Written last: called off before, it need not end the user's connections any more.
    hasGoneOn: (state) => Object.keys((state as { runIds: object }).runIds).length > 0,
  },
  surely: [/ACL SETUSER at #1$/, /CLIENT KILL at #1$/],
  async checkEnd(site, label, detail) {
    await until('its connection is closed', () => site.connected.every(({ isOpen }) => !isOpen))
    await denyUser.checkEnd(site, label, detail, null)
  },
}

const pauseWrites: KillCase = {
  name: 'pause-writes',
  open: startOne,
  request: async (site, _, { nodeAddresses }) => {
    const nodeId = idOf(nodeAddresses, nodeOf(site).address)
    return request('pause-writes', { kind: 'node', nodeId }, { pauseSeconds: 60 })
  },
  // So that a slice is renewed.
  holdMs: 3_000,
  outcome: 'drained',
  async checkEnd(site, _, detail) {
    const sent = detail.steps.filter(({ command }) => command?.startsWith('CLIENT'))
    expect(sent[0]?.command).toMatch(/^CLIENT PAUSE/)
    expect(sent.at(-1)).toMatchObject({ command: 'CLIENT UNPAUSE', result: 'ok' })
    expect(await nodeOf(site).command('SET', 'k', 'v')).toBe('OK')
  },
}

const SPREAD = 0.2
const TTL_MS = 1_000_000
const COUNT = 12
type WithTtls = KillSite & { at: number }
const spreadTtls: KillCase<WithTtls> = {
  name: 'spread-ttls',
  async open() {
    const site = await startOne()
    const at = Date.now() + TTL_MS
    const names = Array.from({ length: COUNT }, (_, index) => `article:${index}`)
    for (const name of names) await nodeOf(site).command('SET', name, 'v', 'PXAT', at)
    await nodeOf(site).command('SET', 'article:kept', 'v')
    await nodeOf(site).command('SET', 'other', 'v', 'PXAT', at)
    return { ...site, at }
  },
  request: async () => request('spread-ttls', { kind: 'cache' }, { pattern: 'article:*', spread: SPREAD }),
  surely: [/PEXPIREAT at/],
  outcome: 'done',
  async checkHalfway(site, _, detail) {
    const times = await expiriesOf(site)
    if (times.every((at) => at === site.at)) return
    expect(detail.steps.some(({ command }) => command?.includes('PEXPIREAT'))).toBe(true)
  },
  async checkEnd(site) {
    const times = await expiriesOf(site)
    expect(times.filter((at) => at < site.at).length).toBeGreaterThan(COUNT / 2)
    for (const at of times) {
      expect(at).toBeLessThanOrEqual(site.at)
      // Twice would be more than once: by up to half as much again.
      expect(at).toBeGreaterThan(site.at - TTL_MS * SPREAD - 1_000)
    }
    expect(await nodeOf(site).command('PEXPIRETIME', 'article:kept')).toBe(-1)
    expect(await nodeOf(site).command('PEXPIRETIME', 'other')).toBe(site.at)
  },
}

const spreadTtlsOff: KillCase<WithTtls> = {
  ...spreadTtls,
  name: 'spread-ttls that is called off half way',
  first: { at: `active: before PEXPIREAT at #1 (${COUNT / 2})`, isCalledOff: true },
  surely: [],
  atLeast: 1,
  outcome: 'drained',
  async checkEnd(site) {
    const times = await expiriesOf(site)
    expect(times.filter((at) => at === site.at).length).toBeGreaterThanOrEqual(COUNT / 2)
    for (const at of times) expect(at).toBeGreaterThan(site.at - TTL_MS * SPREAD - 1_000)
  },
}

async function expiriesOf(site: KillSite): Promise<number[]> {
  const script =
    "local t = {} for i = 1, ARGV[1] do t[i] = redis.call('PEXPIRETIME', 'article:' .. i - 1) end return t"
  return (await nodeOf(site).command('EVAL', script, 0, COUNT)) as number[]
}

export const SERVER_CASES: KillCase[] = [
  setConfig,
  killCase(killClient),
  denyUser,
  pauseWrites,
  killCase(spreadTtls),
]
export const SERVER_CASES_AGAIN: KillCase[] = [
  setConfigAgain,
  killCase(denyUserAgain),
  killCase(spreadTtlsOff),
]
