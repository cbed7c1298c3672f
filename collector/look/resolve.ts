/** From what URLs name to what is there: asks each seed once what it is, follows a Sentinel to its master. */
import type { ConnectionOptions } from 'node:tls'
import type { CacheConfig } from '../../core/config.ts'
import { NodeFailure } from '../connection/failure.ts'
import { type Credentials, NodeConnection, type NodePlace } from '../connection/node-connection.ts'
import { MemcachedFailure } from '../memcached/failure.ts'
import { MemcachedConnection } from '../memcached/memcached-connection.ts'
import { readMasters, type SentinelMaster } from '../sentinel.ts'
import { failureSentence, LookFailure } from './look-failure.ts'
import type { Target, TargetPlace } from './target.ts'

/** A Redis or Valkey to look at. */
export type ResolvedCache = {
  /** Of the seed that answered, or the name of the Sentinel's master. */
  cacheId: string
  kind: CacheConfig['kind']
  seeds: TargetPlace[]
  credentials: Credentials
  /** Whom the seeds' answers are from: a server that two URLs lead to is one. */
  identity: string | null
}
/** What finding out has sent. */
export type ResolveCost = {
  commands: number
  bytes: number
  connections: number
  /** By the name that commandstats has. Sums to `commands`. */
  byCommand: Map<string, number>
}
export type Resolved = { caches: ResolvedCache[]; memcacheds: TargetPlace[]; cost: ResolveCost }

/** @param tls of rediss:// URLs. @throws LookFailure when nobody of a URL answers */
export async function resolveTargets(targets: readonly Target[], tls: ConnectionOptions): Promise<Resolved> {
  const cost: ResolveCost = { commands: 0, bytes: 0, connections: 0, byCommand: new Map() }
  const caches: ResolvedCache[] = []
  for (const target of targets) {
    if (target.kind === 'memcached') continue
    const { username, password } = target
    const credentials = { username, password, tls: target.tls ? tls : null }
    const cache =
      target.kind === 'sentinel'
        ? await askSentinels(target, credentials, cost)
        : await askSeeds(target.places, target.places[0]?.address ?? '', credentials, cost)
    const isKnown = caches.some(({ identity }) => identity !== null && identity === cache.identity)
    if (!isKnown) caches.push(cache)
  }
  const places = new Map<string, TargetPlace>()
  for (const target of targets) {
    if (target.kind === 'memcached') for (const place of target.places) places.set(place.address, place)
  }
  const memcacheds = [...places.values()]
  await checkMemcacheds(memcacheds, cost)
  return { caches, memcacheds, cost }
}

/** @throws LookFailure when none of them answers as a Memcached: one that is away is told as such beside the others */
async function checkMemcacheds(places: readonly TargetPlace[], cost: ResolveCost): Promise<void> {
  const answers = await Promise.all(
    places.map(async (place) => {
      const connection = new MemcachedConnection(place)
      const answer = await connection.stats().then(
        () => null,
        (error: unknown) => {
          if (error instanceof MemcachedFailure) return error.message
          throw error
        },
      )
      connection.close()
      add(cost, connection.cost, new Map([['stats', connection.cost.commands]]))
      return answer
    }),
  )
  if (places.length > 0 && answers.every((answer) => answer !== null)) {
    throw new LookFailure('unreachable', [...new Set(answers)].join('\n'))
  }
}

async function askSeeds(
  seeds: TargetPlace[],
  name: string,
  credentials: Credentials,
  cost: ResolveCost,
): Promise<ResolvedCache> {
  return await firstOf(seeds, credentials.username, (seed) =>
    ask(seed, credentials, cost, async (node) => {
      const info = fieldsOf(await node.call('INFO'))
      if (info.get('redis_mode') === 'sentinel') {
        const master = chooseMaster(await readMasters(node), null, seed.address)
        return await askSeeds([master], master.name, credentials, cost)
      }
      if (info.get('cluster_enabled') !== '1') {
        const identity = info.get('run_id') ?? null
        return { cacheId: name, kind: 'standalone', seeds, credentials, identity }
      }
      const nodes = String(await node.call('CLUSTER', 'NODES').catch(tolerated))
      return { cacheId: name, kind: 'cluster', seeds, credentials, identity: clusterIdentity(nodes) }
    }),
  )
}

/** The node that owns the first slot: one cluster's nodes agree on it. */
function clusterIdentity(nodes: string): string | null {
  const owners = nodes.split('\n').map((line) => /^(\S+) .* connected (0)(?:-\d+)?(?: |$)/.exec(line)?.[1])
  return owners.find((id) => id !== undefined) ?? null
}

async function askSentinels(
  target: Target,
  credentials: Credentials,
  cost: ResolveCost,
): Promise<ResolvedCache> {
  const { places, masterName } = target
  const master = await firstOf(places, credentials.username, async (place) => {
    const read = (as: Credentials) =>
      ask(place, as, cost, async (node) => chooseMaster(await readMasters(node), masterName, place.address))
    return await read(credentials).catch((error: unknown) => {
      // The password is the data nodes'; a Sentinel often has none, and some refuse one that they do not know.
      const isRefused = error instanceof NodeFailure && error.state === 'auth-failed'
      if (isRefused) return read({ ...credentials, username: null, password: null })
      if (error instanceof NodeFailure && /unknown command|does not know/i.test(error.message)) {
        const message = `${place.address} is no Sentinel. Write redis:// for a Redis, or the Sentinel's own port.`
        throw new LookFailure('unreachable', message)
      }
      throw error
    })
  })
  return await askSeeds([master], master.name, credentials, cost)
}

function chooseMaster(masters: SentinelMaster[], name: string | null, sentinel: string): SentinelMaster {
  const names = masters.map((master) => master.name).join(', ')
  const [first, ...others] = masters
  if (first === undefined) {
    throw new LookFailure('unreachable', `The Sentinel at ${sentinel} watches no master yet.`)
  }
  if (name === null && others.length === 0) return first
  if (name === null) {
    const what = `The Sentinel at ${sentinel} watches ${masters.length} masters: ${names}.`
    throw new LookFailure('input', `${what} Name one: sentinel://${sentinel}/${first.name}`)
  }
  const chosen = masters.find((master) => master.name === name)
  if (chosen) return chosen
  throw new LookFailure(
    'input',
    `The Sentinel at ${sentinel} knows no master of that name. It knows: ${names}.`,
  )
}

/** One seed after the other. @throws LookFailure with the first seed's sentence when none answers */
async function firstOf<T>(
  places: readonly TargetPlace[],
  username: string | null,
  read: (place: TargetPlace) => Promise<T>,
): Promise<T> {
  const sentences: string[] = []
  for (const place of places) {
    try {
      return await read(place)
    } catch (error) {
      if (!(error instanceof NodeFailure)) throw error
      sentences.push(failureSentence(error, place.address, username))
    }
  }
  throw new LookFailure('unreachable', [...new Set(sentences)].join('\n'))
}

async function ask<T>(
  place: NodePlace,
  credentials: Credentials,
  cost: ResolveCost,
  read: (node: NodeConnection) => Promise<T>,
): Promise<T> {
  const node = new NodeConnection(place, credentials)
  try {
    await node.open()
    return await read(node)
  } finally {
    node.close()
    const { bytesRead, bytesWritten } = node.cost
    add(cost, { ...node.cost, bytes: bytesRead + bytesWritten }, node.sent)
  }
}

function add(
  cost: ResolveCost,
  more: Omit<ResolveCost, 'byCommand'>,
  byCommand: ReadonlyMap<string, number>,
): void {
  cost.commands += more.commands
  cost.connections += more.connections
  cost.bytes += more.bytes
  for (const [name, times] of byCommand) cost.byCommand.set(name, (cost.byCommand.get(name) ?? 0) + times)
}

/** A right that is missing takes away what it would tell, no more. */
function tolerated(error: unknown): string {
  if (error instanceof NodeFailure && error.replyCode !== null) return ''
  throw error
}

function fieldsOf(reply: unknown): Map<string, string> {
  const fields = new Map<string, string>()
  for (const line of String(reply).split(/\r?\n/)) {
    const colon = line.indexOf(':')
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1))
  }
  return fields
}
