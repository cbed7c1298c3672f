/** What is killed of failovers and of a slot's move: who has the data changes for good, and may never be two. */
import { expect } from 'vitest'
import { slotOf } from '../../core/key-slot.ts'
import type { MitigationDetail, MitigationRequest } from '../../core/mitigations/model.ts'
import type { Places } from '../../store/mitigation-progress.ts'
import type { Engine } from './engines.ts'
import type { KillCase, KillSite } from './mitigation-kill-case.ts'
import { request, startPair } from './mitigation-kill-servers.ts'
import { type RedisProcess, startRedisCluster, until } from './redis.ts'
import { startSentinel } from './sentinel.ts'

const replicationOf = async (node: RedisProcess) => String(await node.command('INFO', 'replication'))
const isPrimary = async (node: RedisProcess) => (await replicationOf(node)).includes('role:master')

function ofShard(action: 'failover', { shardOrdinals }: Places): MitigationRequest {
  const [shardId] = [...shardOrdinals].find(([, ordinal]) => ordinal === 1) ?? []
  if (shardId === undefined) throw new Error('shard 1 is not known')
  return request(action, { kind: 'shard', shardId }, {})
}

/** Of the first shard: `pair` are its primary and its replica, as they begin. */
type Shard = { pair: [RedisProcess, RedisProcess]; key: string }
async function written<S extends KillSite>(site: S, pair: RedisProcess[], key: string): Promise<S & Shard> {
  const [primary, replica] = pair
  if (primary === undefined || replica === undefined) throw new Error('a primary and a replica')
  await primary.command('SET', key, 'written before')
  return { ...site, pair: [primary, replica], key }
}

async function openSentinel(): Promise<KillSite & Shard> {
  const site = await startPair()
  const [primary] = site.nodes
  if (primary === undefined) throw new Error('a primary')
  // It hears nothing of a primary whose writes wait, and would promote by itself.
  const lines = ['sentinel down-after-milliseconds mymaster 120000']
  const sentinel = await startSentinel('mymaster', primary, { replicas: 1, lines })
  const stop = async () => {
    await sentinel.stop()
    await site.stop()
  }
  const more = ['master: mymaster']
  return await written(
    { ...site, kind: 'sentinel' as const, urls: [sentinel.url], more, stop },
    site.nodes,
    'k',
  )
}

/** Its primary votes for its own replica. */
async function openCluster(): Promise<KillSite & Shard> {
  const { nodes, urls, stop } = await startRedisCluster({ primaries: 1, replicasPerPrimary: 1 })
  return await written({ kind: 'cluster' as const, urls, nodes, stop }, nodes, 'k')
}

function failover(
  name: string,
  open: () => Promise<KillSite & Shard>,
  more: Partial<KillCase<KillSite & Shard>> = {},
): KillCase<KillSite & Shard> {
  return {
    name,
    open,
    request: async (_site, _label, places) => ofShard('failover', places),
    outcome: 'done',
    async checkHalfway({ pair }, _, detail) {
      if (!(await isPrimary(pair[1]))) return
      expect(detail.steps.some(({ command }) => CHANGES.test(command ?? ''))).toBe(true)
    },
    checkEnd: checkPromoted,
    ...more,
  }
}

const CHANGES = /FAILOVER|REPLICAOF/

async function checkPromoted(shard: Shard, _: string, detail: MitigationDetail): Promise<void> {
  const { pair, key } = shard
  const [old, promoted] = pair
  await untilPromoted(shard)
  expect([await isPrimary(old), await isPrimary(promoted)]).toEqual([false, true])
  expect(await promoted.command('GET', key)).toBe('written before')
  expect(await promoted.command('SET', key, 'after')).toBe('OK')
  // One whose answer nobody lived to see is not asked for again: who the primary is tells it.
  expect(detail.steps.some(({ command }) => CHANGES.test(command ?? ''))).toBe(true)
}

async function checkAsBefore({ pair, key }: Shard): Promise<void> {
  const [primary, replica] = pair
  await until('it follows', async () => (await replicationOf(replica)).includes('master_link_status:up'))
  expect([await isPrimary(primary), await isPrimary(replica)]).toEqual([true, false])
  expect(await primary.command('SET', key, 'after')).toBe('OK')
}

async function untilPromoted({ pair: [old, promoted] }: Shard): Promise<void> {
  await until('the old one follows', async () => (await replicationOf(old)).includes('master_link_status:up'))
  expect(await isPrimary(promoted)).toBe(true)
}

const sentBefore = (ms: number) => (state: unknown) => ({ ...(state as object), sentAt: Date.now() - ms })

/** What the dead one has sent gets there, and lasts: the replica hangs. */
async function hang({ pair: [primary, replica], key }: Shard): Promise<void> {
  await replica.kill('SIGSTOP')
  await primary.command('SET', key, 'not there yet')
  await primary.command('FAILOVER', 'TO', replica.host, replica.port, 'TIMEOUT', 600_000)
}

const TAG = 'moving'
const SLOT = slotOf(Buffer.from(TAG))
/** More than one MIGRATE takes. */
const KEYS = 150
const FILL = "for i = 1, ARGV[1] do redis.call('SET', KEYS[1] .. i, 'v' .. i) end"
const keyNames = Array.from({ length: KEYS }, (_, index) => `{${TAG}}:${index + 1}`)
type Cluster = KillSite & { ids: string[] }

async function openSlots(engine: Engine, settings: Record<string, string> = {}): Promise<Cluster> {
  const cluster = await startRedisCluster({ engine, settings, primaries: 2, replicasPerPrimary: 0 })
  const owner = Math.floor(SLOT / 8_192)
  const nodes = owner === 0 ? cluster.nodes : cluster.nodes.toReversed()
  const ids = await Promise.all(nodes.map(async (node) => String(await node.command('CLUSTER', 'MYID'))))
  await nodes[0]?.command('EVAL', FILL, 1, `{${TAG}}:`, KEYS)
  return { kind: 'cluster', urls: cluster.urls, nodes, ids, stop: cluster.stop }
}

const moveSlot = (name: string, to: 0 | 1, more: Partial<KillCase<Cluster>> = {}): KillCase<Cluster> => ({
  name,
  open: () => openSlots('installed'),
  request: async () => request('move-slot', { kind: 'cache' }, { slot: SLOT, toShardId: null }),
  outcome: 'done',
  async checkHalfway({ nodes }, _, detail) {
    const opened = await Promise.all(nodes.map((node) => node.command('CLUSTER', 'NODES')))
    if (!opened.some((view) => /\[\d+-[<>]-/.test(String(view)))) return
    expect(detail.steps.some(({ command }) => command?.includes('SETSLOT'))).toBe(true)
  },
  async checkEnd({ nodes, ids }) {
    const owner = nodes[to]
    await until('all know it', async () => {
      const views = await Promise.all(nodes.map((node) => node.command('CLUSTER', 'SLOTS')))
      return views.every((view) => {
        const range = (view as [number, number, [string, number, string]][]).find(
          ([first, last]) => first <= SLOT && SLOT <= last,
        )
        return range?.[2][2] === ids[to]
      })
    })
    for (const node of nodes)
      expect(String(await node.command('CLUSTER', 'NODES'))).not.toMatch(/\[\d+-[<>]-/)
    expect(await owner?.command('MGET', ...keyNames)).toEqual(keyNames.map((_, index) => `v${index + 1}`))
    await until('the other has none', async () => {
      return (await nodes[1 - to]?.command('CLUSTER', 'COUNTKEYSINSLOT', SLOT)) === 0
    })
  },
  ...more,
})

/** What a server lists of its moves, and which of the two tells how they ended. */
const NATIVE = {
  redis: { list: ['MIGRATION', 'STATUS', 'ALL'], at: 1 },
  valkey: { list: ['GETSLOTMIGRATIONS'], at: 0 },
} as const
/** By the servers themselves: each order that was given was given once. */
function nativeMove(
  engine: keyof typeof NATIVE,
  to: 0 | 1,
  more: Partial<KillCase<Cluster>>,
): KillCase<Cluster> {
  const one = moveSlot(`move-slot by ${engine} itself`, to, { open: () => openSlots(engine), ...more })
  const { list, at } = NATIVE[engine]
  return {
    ...one,
    async checkEnd(site, label, detail, state) {
      await one.checkEnd(site, label, detail, state)
      const orders = new Set(detail.steps.map(({ name }) => name).filter((name) => name.startsWith('move')))
      expect(await site.nodes[at]?.command('CLUSTER', ...list)).toHaveLength(orders.size)
    },
  }
}
/** It lasts until it is called off: a second for each key. */
const SLOW = { 'rdb-key-save-delay': '1000000' }
const nativeMoveOff = (engine: keyof typeof NATIVE, cancel: RegExp): KillCase<Cluster> =>
  nativeMove(engine, 0, {
    name: `move-slot by ${engine} itself that is called off half way`,
    open: () => openSlots(engine, SLOW),
    first: { at: 'active: before writing ok of step move', isCalledOff: true },
    surely: [cancel],
    atLeast: 4,
    outcome: 'drained',
  })

const paired = async (settings: Record<string, string> = {}) => {
  const site = await startPair(settings)
  return await written(site, site.nodes, 'k')
}
const BY_HAND = { 'rename-command': 'FAILOVER hidden' }
/** A replica that has not caught up within two seconds ends an attempt; the next one's steps have other names. */
export const FAILOVERS = [
  failover('failover by FAILOVER TO', () => paired()),
  failover('failover by hand', () => paired(BY_HAND), { byChance: /step step down$/ }),
  failover('failover of a cluster', openCluster),
  failover('failover by Sentinels', openSentinel, { byChance: /SENTINEL FAILOVER|step failover$/ }),
]
export const FAILOVERS_OFF = [
  failover('failover by FAILOVER TO that is called off', () => paired({ 'repl-timeout': '3600' }), {
    first: { at: 'active: before FAILOVER at #1', isCalledOff: true, meanwhile: hang },
    surely: [/FAILOVER at #1$/],
    atLeast: 4,
    outcome: 'drained',
    async checkHalfway({ pair: [primary] }) {
      expect(await isPrimary(primary)).toBe(true)
    },
    async checkEnd(site) {
      await site.pair[1].kill('SIGCONT')
      await checkAsBefore(site)
    },
  }),
  failover('failover by hand that is called off', () => paired(BY_HAND), {
    first: { at: 'active: before REPLICAOF at #1', isCalledOff: true },
    surely: [/CLIENT UNPAUSE at #1$/],
    atLeast: 4,
    outcome: 'drained',
    checkEnd: checkAsBefore,
  }),
  failover('failover by hand that is called off while there is no primary', () => paired(BY_HAND), {
    first: { at: 'active: before writing ok of step step down', isCalledOff: true },
    surely: [/REPLICAOF at #2$/],
    outcome: 'drained',
  }),
  failover('failover of a cluster that is called off too late', openCluster, {
    first: { at: 'active: before writing ok of step failover', isCalledOff: true, meanwhile: untilPromoted },
    atLeast: 2,
    outcome: 'drained',
  }),
  failover('failover by Sentinels that is called off', openSentinel, {
    // Writes wait no longer: nothing is left but to say so.
    first: { at: 'active: before SENTINEL FAILOVER at #', isCalledOff: true, age: sentBefore(31_000) },
    surely: [/CLIENT UNPAUSE at #1$/],
    atLeast: 4,
    outcome: 'drained',
    checkEnd: checkAsBefore,
  }),
]
export const MOVES = [
  moveSlot('move-slot', 1, { surely: [/MIGRATE at #1 \(2\)$/] }),
  nativeMove('redis', 1, { surely: [/CLUSTER MIGRATION IMPORT at #2$/] }),
  nativeMove('valkey', 1, { surely: [/CLUSTER MIGRATESLOTS at #1$/] }),
]
export const MOVES_OFF = [
  moveSlot('move-slot that is called off half way', 0, {
    surely: [/forth: keys$/, /MIGRATE at #1$/, /MIGRATE at #2 \(2\)$/],
    first: { at: 'active: before writing ok of step keys', isCalledOff: true },
    outcome: 'drained',
  }),
  nativeMoveOff('redis', /CLUSTER MIGRATION CANCEL at #2$/),
  nativeMoveOff('valkey', /CLUSTER CANCELSLOTMIGRATIONS at #1$/),
]
