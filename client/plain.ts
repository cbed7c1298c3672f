/** The client's own commands, as its prototype has them: below the library, with the few ways in which we bend one. */
import {
  type Client,
  type Command,
  isPromise,
  type Method,
  methodOf,
  type SendCommand,
} from './ioredis/types.ts'

/** Where a Cluster sends a command: to the slot's primary, or to any ready node of its shard. */
export type Route = 'primary' | 'any'

type Base = object & { sendCommand?: SendCommand; multi?: Method }

export class Plain {
  readonly #client: Client
  readonly #base: Base
  readonly #send: SendCommand | null
  readonly #random: () => number
  /** Of the command that is being made right now, if any. */
  #route: Route | null = null
  /** Commands wait for a connection and come by again: their route is kept. */
  readonly #routes = new WeakMap<Command, Route>()
  /** Whether a command may go another way than to the prototype's own sendCommand. */
  isBent: boolean
  #onReplica: (() => void) | null = null

  /** @param base the prototype; its methods are looked up when called, so that later patches of it count */
  constructor(client: Client, base: Base, send: SendCommand | null, random: () => number) {
    this.#random = random
    this.#client = client
    this.#base = base
    this.#send = send
    this.isBent = send !== null
  }

  get base(): Base {
    return this.#base
  }

  call(method: string, args: unknown[]): unknown {
    return this.#method(method).apply(this.#client, args)
  }

  /** A command whose reply we wait for. */
  read(method: string, args: unknown[]): Promise<unknown> {
    const reading = this.call(method, args)
    return isPromise(reading) ? reading : Promise.resolve(reading)
  }

  /** The arguments are names as they are on the server: no prefix is put before them. */
  readUnprefixed(method: string, args: unknown[]): Promise<unknown> {
    const { options } = this.#client
    const { keyPrefix } = options
    if (!keyPrefix) return this.read(method, args)
    options.keyPrefix = ''
    try {
      return this.read(method, args)
    } finally {
      options.keyPrefix = keyPrefix
    }
  }

  /** Sent at once: an automatic pipeline that waits for it would hold it back. The name is as on the server. */
  unlink(name: unknown): Promise<unknown> {
    const { options } = this.#client
    const { enableAutoPipelining } = options
    options.enableAutoPipelining = false
    try {
      return this.readUnprefixed('unlink', [name])
    } finally {
      options.enableAutoPipelining = enableAutoPipelining
    }
  }

  readFromPrimary(method: string, args: unknown[]): Promise<unknown> {
    const { isCluster, options } = this.#client
    if (!isCluster || options.scaleReads === 'master') return this.read(method, args)
    return this.#readBy('primary', method, args)
  }

  /** @param onReplica called when a replica was chosen */
  readFromAny(method: string, args: unknown[], onReplica: () => void): Promise<unknown> {
    this.#onReplica = onReplica
    try {
      return this.#readBy('any', method, args)
    } finally {
      this.#onReplica = null
    }
  }

  sendCommand(command: Command, stream: unknown, node: unknown): unknown {
    const send = this.#send ?? this.#base.sendCommand
    if (send === undefined) throw new TypeError('ioredis has no sendCommand()')
    const route = this.#route ?? (stream === undefined ? this.#routes.get(command) : undefined) ?? null
    if (route === null) return send.call(this.#client, command, stream, node)
    this.#routes.set(command, route)
    const { options } = this.#client
    const { scaleReads } = options
    options.scaleReads = route === 'primary' ? 'master' : this.#anyReady(this.#onReplica)
    try {
      return send.call(this.#client, command, stream, node)
    } finally {
      options.scaleReads = scaleReads
    }
  }

  /** A command of its own rather than one of an automatic pipeline, which has one way for all in it. */
  #readBy(route: Route, method: string, args: unknown[]): Promise<unknown> {
    const { options } = this.#client
    const { enableAutoPipelining } = options
    options.enableAutoPipelining = false
    this.#route = route
    this.isBent = true
    try {
      return this.read(method, args)
    } finally {
      this.#route = null
      options.enableAutoPipelining = enableAutoPipelining
    }
  }

  #anyReady(onReplica: (() => void) | null): (nodes: (Client | undefined)[]) => Client | undefined {
    return (nodes) => {
      const ready = nodes.filter((node) => node?.status === 'ready')
      const chosen = ready[Math.floor(this.#random() * ready.length)] ?? nodes[0]
      if (chosen !== undefined && chosen !== nodes[0]) onReplica?.()
      return chosen
    }
  }

  #method(name: string): Method {
    const method = methodOf(this.#base, name)
    if (method === null) throw new TypeError(`ioredis has no ${name}()`)
    return method
  }
}
