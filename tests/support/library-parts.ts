/** The parts of @cachescope/client around a client that is none: what is sent is noted, and answered as a test says. */
import { EventEmitter } from 'node:events'
import type { Client, Command } from '../../client/ioredis/types.ts'
import { LocalTier } from '../../client/mitigations/local.ts'
import { Replicas } from '../../client/mitigations/replicas.ts'
import { type CachescopeOptions, settle } from '../../client/options.ts'
import { OwnWrites } from '../../client/own-writes.ts'
import { Plain } from '../../client/plain.ts'
import { Policies } from '../../client/policies.ts'
import { Reader } from '../../client/reader.ts'
import { Trackers } from '../../client/tracking/trackers.ts'
import type { KeyPolicy } from '../../core/protocol/policy.ts'
import { policyDocument } from './hot-client.ts'

export type FakeClient = Client & { emit(event: string, ...args: unknown[]): boolean }

export function fakeClient(more: Partial<Client> = {}): FakeClient {
  const events = new EventEmitter()
  return {
    status: 'ready',
    isCluster: false,
    options: {},
    sendCommand: () => null,
    on: (event, listener) => events.on(event, listener),
    off: (event, listener) => events.off(event, listener),
    emit: (event, ...args) => events.emit(event, ...args),
    call: async () => null,
    connect: async () => null,
    disconnect: () => {},
    duplicate: () => null,
    ...more,
  }
}

/** @param get answers GET of a name; what it throws is thrown at once, as by an automatic pipeline */
export function libraryParts(options: {
  client?: FakeClient
  policies: KeyPolicy[]
  get?: (key: unknown) => Promise<unknown>
  settings?: Partial<CachescopeOptions>
}) {
  const { client = fakeClient(), get = async () => 'a value' } = options
  const asked: unknown[] = []
  const base = {
    get: (key: unknown) => {
      asked.push(key)
      return get(key)
    },
    quit: () => asked.push('quit'),
    disconnect: () => asked.push('disconnect'),
    select: () => asked.push('select'),
  }
  const settings = settle({ app: 'shop', ...options.settings })
  const policies = new Policies(settings)
  const accept = (all: KeyPolicy[]) => policies.accept(JSON.stringify(policyDocument(all)))
  const plain = new Plain(client, base, null, settings.random)
  const replicas = new Replicas(client, plain, settings)
  const writes = new OwnWrites(client, plain, policies, settings.now)
  const trackers = new Trackers(client)
  const local = new LocalTier(settings)
  let errors = 0
  const reader = new Reader({
    ...{ client, plain, settings, policies, local, trackers, replicas },
    isBound: () => writes.isBound,
    onError: () => {
      errors++
    },
  })
  const rename = (db: number) => {
    reader.rename(db)
    writes.rename()
  }
  accept(options.policies)
  rename(0)
  return {
    ...{ client, settings, policies, plain, replicas, writes, trackers, local, reader, rename, accept },
    /** Names that were asked for, and what ended the connection, in their order. */
    asked,
    errors: () => errors,
    get: (key: unknown) => Promise.resolve(reader.read('get', [key], 0)),
  }
}

export function fakeCommand(name: string, ...args: unknown[]): Command {
  return { name, args, resolve: () => {}, reject: () => {} }
}
