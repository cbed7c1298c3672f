/** Wraps a client: puts the parts together, and lets go of them again. */
import type { Heartbeat, PolicyHeartbeat } from '../core/protocol/heartbeat.ts'
import { APP_NAME } from '../core/protocol/policy.ts'
import { Agent } from './agent.ts'
import { CacheControl } from './control/cache-control.ts'
import { HttpControl } from './control/http-control.ts'
import { HotKeys } from './hot-keys.ts'
import { type Client, isClient, nodesOf } from './ioredis/types.ts'
import { INFO_TAG, Layer } from './layer.ts'
import { LocalTier } from './mitigations/local.ts'
import { Replicas } from './mitigations/replicas.ts'
import { type CachescopeOptions, isDisabledByEnvironment, settle } from './options.ts'
import { OwnWrites } from './own-writes.ts'
import { Plain } from './plain.ts'
import { Policies } from './policies.ts'
import { Reader } from './reader.ts'
import { Trackers } from './tracking/trackers.ts'

/** What the library does in this process right now. */
export type Status = {
  instanceId: string
  state: Heartbeat['state']
  /** Of the policy document in force; 0 without one. */
  rev: number
  policies: Omit<PolicyHeartbeat, 'p50Us' | 'p99Us' | 'waits'>[]
  /** Of the library itself; the commands were answered all the same. */
  errors: number
  local: { entries: number; bytes: number }
}
type Wrapped = { agent: Agent; status: () => Status; unwrap: () => void }

const wrapped = new WeakMap<object, Wrapped>()

/**
 * Lets Cachescope's mitigations of hot keys act on a client of ioredis, a `Redis` or a `Cluster`, and reports which
 * keys it uses. The client is the same object with the same methods and results; with no policy in force each command
 * is the plain one, and any trouble of the library's own ends in the plain command. Wrapping twice changes nothing.
 * @returns the client that was given
 * @example const cache = cachescope(new Redis(), { app: 'shop' })
 */
export function cachescope<T extends object>(client: T, options: CachescopeOptions): T {
  if (wrapped.has(client)) return client
  try {
    if (isClient(client) && APP_NAME.test(options.app)) wrapped.set(client, install(client, options))
  } catch {
    // A client that is not as we know them works as before.
  }
  return client
}

/** @returns null for a client that was not wrapped, has an app's name that none can have, or was released */
export function inspect(client: object): Status | null {
  return wrapped.get(client)?.status() ?? null
}

/** Takes the library off the client, which stays as it is: connected, and in use. */
export function release(client: object): void {
  wrapped.get(client)?.unwrap()
  wrapped.delete(client)
}

function install(client: Client, options: CachescopeOptions): Wrapped {
  const settings = settle(options)
  const base: object = Object.getPrototypeOf(client)
  const ownSend = Object.hasOwn(client, 'sendCommand') ? client.sendCommand : null
  const plain = new Plain(client, base, ownSend, settings.random)
  const policies = new Policies(settings)
  const hotKeys = new HotKeys(settings.random, settings.now)
  const local = new LocalTier(settings)
  const trackers = new Trackers(client)
  const replicas = new Replicas(client, plain, settings)
  const writes = new OwnWrites(client, plain, policies, settings.now)
  const isBound = () => writes.isBound
  const db = () => (client.isCluster ? 0 : (client.condition?.select ?? client.options.db ?? 0))
  const proto: object = Object.create(base)
  const isOn = !isDisabledByEnvironment()
  const onError = () => agent.noteError()
  const reader = new Reader({
    client,
    plain,
    settings,
    policies,
    local,
    trackers,
    replicas,
    isBound,
    onError,
  })
  const layer = isOn ? new Layer({ client, plain, reader, writes, hotKeys, db, onError }, proto) : null
  const control =
    settings.control === 'cache'
      ? new CacheControl(client, settings.app)
      : new HttpControl(settings.control, settings.app)
  if (isOn) Object.setPrototypeOf(client, proto)
  const unname = isOn ? nameLibrary(client) : () => {}
  const agent = new Agent({
    ...{ client, settings, control, policies, hotKeys, local, trackers, replicas, reader, writes, layer, db },
  })
  return {
    agent,
    status: () => ({
      instanceId: agent.instanceId,
      state: agent.state,
      rev: policies.rev,
      policies: policies.live.map((policy) => policy.counters()),
      errors: agent.errors,
      local: local.size,
    }),
    unwrap: () => {
      agent.release()
      unname()
      if (Object.getPrototypeOf(client) === proto) Object.setPrototypeOf(client, base)
      if (ownSend !== null) client.sendCommand = ownSend
    },
  }
}

/**
 * ioredis itself tells the server its name when it connects: ours goes along, where the application set none.
 * @returns takes it off again: later connections are those of a client without the library
 */
function nameLibrary(client: Client): () => void {
  const all = () => (client.isCluster ? nodesOf(client) : [client])
  const tag = ({ options }: Client) => {
    if (!options.disableClientInfo) options.clientInfoTag ??= INFO_TAG
  }
  const tagNode = (node: unknown) => {
    if (isClient(node)) tag(node)
  }
  for (const one of all()) tag(one)
  client.on('+node', tagNode)
  return () => {
    client.off('+node', tagNode)
    for (const { options } of all()) if (options.clientInfoTag === INFO_TAG) options.clientInfoTag = undefined
  }
}
