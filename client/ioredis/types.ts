/** What the library uses of ioredis 5 and 6: seen as a shape, so that the package needs neither at run time. */
import type { Socket } from 'node:net'

export type Command = {
  name: string
  args: unknown[]
  resolve: (value: unknown) => unknown
  reject: (error: Error) => unknown
}
export type Method = (...args: unknown[]) => unknown
export type SendCommand = (command: Command, stream?: unknown, node?: unknown) => unknown

export type ClientOptions = {
  host?: string
  port?: number
  path?: string
  db?: number
  keyPrefix?: unknown
  readOnly?: boolean
  enableAutoPipelining?: boolean
  scaleReads?: unknown
  sentinels?: unknown
  Connector?: unknown
  username?: string
  password?: string
  clientInfoTag?: string
  disableClientInfo?: boolean
}

/** A Redis, one node of a Cluster, or (with `isCluster`) a Cluster. */
export type Client = {
  status: string
  isCluster: boolean
  options: ClientOptions
  /** `subscriber`: the subscriptions, while there are any; in RESP3 (ioredis 6) they are in no command's way. */
  condition?: { select?: number; subscriber?: unknown; protocol?: unknown } | null
  stream?: Socket | null
  connector?: object
  /** Of a Cluster: `host:port` of the nodes of each slot, the primary first. */
  slots?: string[][]
  sendCommand: SendCommand
  on(event: string, listener: (...args: unknown[]) => void): unknown
  off(event: string, listener: (...args: unknown[]) => void): unknown
  call(...args: unknown[]): Promise<unknown>
  connect(): Promise<unknown>
  disconnect(): void
  duplicate(overrides?: unknown): unknown
  nodes?(role?: 'master' | 'slave' | 'all'): unknown[]
  refreshSlotsCache?(done?: (error?: Error) => void): void
}

const METHODS = ['sendCommand', 'on', 'off', 'call', 'connect', 'disconnect', 'duplicate']

export function isClient(value: unknown): value is Client {
  if (typeof value !== 'object' || value === null) return false
  const options: unknown = Reflect.get(value, 'options')
  return (
    typeof options === 'object' &&
    options !== null &&
    typeof Reflect.get(value, 'status') === 'string' &&
    METHODS.every((name) => typeof Reflect.get(value, name) === 'function')
  )
}

export function methodOf(target: object, name: string): Method | null {
  const method: unknown = Reflect.get(target, name)
  return isMethod(method) ? method : null
}

const isMethod = (value: unknown): value is Method => typeof value === 'function'

export const isPromise = (value: unknown): value is Promise<unknown> => value instanceof Promise

/** `host:port`, as a Cluster names its nodes. */
export const nodeKeyOf = (node: Client): string =>
  `${node.options.host ?? '127.0.0.1'}:${node.options.port ?? 6379}`

export const nodesOf = (cluster: Client, role?: 'master' | 'slave'): Client[] =>
  (cluster.nodes?.(role) ?? []).filter(isClient)
