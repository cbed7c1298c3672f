/**
 * Puts the library under a client: one prototype of ours between the client and its class. What the application sets
 * on the client itself still comes first, later patches of the class still count, and what is not overridden is the
 * class's own method. Without a policy there are sendCommand, with a countdown, and the few that bind a connection.
 */

import type { HotKeys } from './hot-keys.ts'
import { ROUTED_READS } from './ioredis/commands.ts'
import { type Client, type Command, type Method, methodOf, type SendCommand } from './ioredis/types.ts'
import type { OwnWrites } from './own-writes.ts'
import type { Plain } from './plain.ts'
import type { Reader } from './reader.ts'

export type LayerParts = {
  client: Client
  plain: Plain
  reader: Reader
  writes: OwnWrites
  hotKeys: HotKeys
  db: () => number
  onError: () => void
}

const CALLS = ['call', 'callBuffer', 'send_command']
const ENDS = ['quit', 'disconnect']
/** After these the connection answers a read otherwise. */
const TURNS = ['select', 'reset', 'monitor', 'subscribe', 'psubscribe', 'ssubscribe']

export class Layer {
  readonly #parts: LayerParts
  readonly #proto: object
  #readsAreRouted = false
  /** Whether each command must be looked at. */
  #isObserving = false

  constructor(parts: LayerParts, proto: object) {
    this.#parts = parts
    this.#proto = proto
    this.#overrideSend()
    this.#overrideBinding()
    this.#overrideDuplicate()
  }

  /** After a change of policies. */
  update(hasPolicies: boolean): void {
    this.#isObserving = this.#parts.writes.isNeeded
    if (hasPolicies === this.#readsAreRouted) return
    this.#readsAreRouted = hasPolicies
    for (const command of ROUTED_READS) {
      for (const method of [command, `${command}Buffer`]) {
        if (hasPolicies) this.#overrideRead(method)
        else Reflect.deleteProperty(this.#proto, method)
      }
    }
    if (hasPolicies) {
      this.#overridePipeline()
      this.#overrideEnd()
    } else for (const method of ['pipeline', ...ENDS, ...TURNS]) Reflect.deleteProperty(this.#proto, method)
  }

  /** A read that was called before the end, or before a turn, is answered before it, as without the library. */
  #overrideEnd(): void {
    const { plain, reader } = this.#parts
    for (const method of ENDS) {
      this.#define(method, (...args) => {
        // disconnect(true): ioredis itself connects again.
        if (args[0] !== true) reader.leaveAll()
        return plain.call(method, args)
      })
    }
    for (const method of TURNS.filter((name) => name in plain.base)) {
      this.#define(method, (...args) => {
        reader.leaveAll()
        return plain.call(method, args)
      })
    }
  }

  /** Automatic pipelines send a command later than it was called: a write is heard of when it is called. */
  #overridePipeline(): void {
    const { plain, writes, onError } = this.#parts
    this.#define('pipeline', (...args) => {
      const pipeline = plain.call('pipeline', args)
      const queue = isObject(pipeline) ? methodOf(pipeline, 'sendCommand') : null
      if (!isObject(pipeline) || queue === null || args.length > 0) return pipeline
      const value: SendCommand = (command) => {
        try {
          if (isAutomatic(pipeline)) writes.observeQueued(command)
        } catch {
          onError()
        }
        return queue.call(pipeline, command)
      }
      Object.defineProperty(pipeline, 'sendCommand', { value, configurable: true, writable: true })
      return pipeline
    })
  }

  #overrideRead(method: string): void {
    const { plain, reader } = this.#parts
    if (!(method in plain.base)) return
    this.#define(method, (...args) => reader.read(method, args, 0))
  }

  #overrideSend(): void {
    const { client, plain, hotKeys } = this.#parts
    const { base } = plain
    // Every command comes by here: nothing is captured or called that is not needed now.
    const send: SendCommand = (command: Command, stream, node) => {
      if (--hotKeys.left <= 0) this.#sample(command, stream)
      if (this.#isObserving) this.#observe(command)
      const { sendCommand } = base
      if (plain.isBent || sendCommand === undefined) return plain.sendCommand(command, stream, node)
      return sendCommand.call(client, command, stream, node)
    }
    if (Object.hasOwn(client, 'sendCommand')) client.sendCommand = send
    else
      Object.defineProperty(this.#proto, 'sendCommand', { value: send, configurable: true, writable: true })
  }

  #sample(command: Command, stream: unknown): void {
    const { hotKeys, reader, db, onError } = this.#parts
    try {
      hotKeys.take(command, db(), stream === undefined && reader.isFree)
    } catch {
      onError()
    }
  }

  #observe(command: Command): void {
    const { writes, onError } = this.#parts
    try {
      writes.observe(command)
      this.#isObserving = writes.isNeeded
    } catch {
      onError()
    }
  }

  #overrideBinding(): void {
    const { client, plain, reader, writes } = this.#parts
    const bind = (step: () => void) => {
      reader.leaveAll()
      step()
      this.#isObserving = true
    }
    this.#define('watch', (...args) => {
      bind(() => writes.watch())
      return plain.call('watch', args)
    })
    const { base } = plain
    this.#define('multi', (...args) => {
      if (args.length > 0 && args.some(isWithoutPipeline)) bind(() => writes.multi())
      // Called directly, it is compiled together with what calls it: 2% of a transaction of a hundred commands.
      return base.multi?.apply(client, args)
    })
    for (const method of CALLS) {
      this.#define(method, (...args) => {
        const name = typeof args[0] === 'string' ? args[0].toLowerCase() : ''
        if (name === 'watch') bind(() => writes.watch())
        else if (name === 'multi') bind(() => writes.multi())
        else if (TURNS.includes(name)) reader.leaveAll()
        else if (this.#readsAreRouted && ROUTED_READS.has(name)) return reader.read(method, args, 1)
        return plain.call(method, args)
      })
    }
  }

  /** A duplicate is a client without the library, and must not tell the server otherwise. */
  #overrideDuplicate(): void {
    const { client, plain } = this.#parts
    if (client.isCluster) return
    this.#define('duplicate', (...args) => {
      const { clientInfoTag } = client.options
      if (clientInfoTag !== INFO_TAG) return plain.call('duplicate', args)
      client.options.clientInfoTag = undefined
      try {
        return plain.call('duplicate', args)
      } finally {
        client.options.clientInfoTag = clientInfoTag
      }
    })
  }

  #define(name: string, value: Method): void {
    Object.defineProperty(this.#proto, name, { value, configurable: true, writable: true })
  }
}

/** What CLIENT LIST shows: lib-name=ioredis(hk_1.0). */
export const INFO_TAG = 'hk_1.0'

const isWithoutPipeline = (arg: unknown): boolean =>
  typeof arg === 'object' && arg !== null && !Array.isArray(arg) && Reflect.get(arg, 'pipeline') === false

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

/** ioredis marks its own pipelines by a symbol. */
const isAutomatic = (pipeline: object): boolean =>
  Object.getOwnPropertySymbols(pipeline).some((symbol) => symbol.description === 'exec')
