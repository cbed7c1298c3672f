/**
 * One connection to one node: no queue while it is down, no reconnect of its own, a deadline for every command,
 * every failure as a NodeFailure. Counts what it sends: the observer's bill.
 */
import type { Socket } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import { Redis } from 'ioredis'
import type { NodeAddress } from '../../core/sample.ts'
import { type Failure, failureOfReply, failureOfSystemError, NodeFailure, timeoutFailure } from './failure.ts'
import { probe } from './probe.ts'

export type Credentials = { username: string | null; password: string | null; tls: ConnectionOptions | null }
export type NodePlace = { host: string; port: number; address: NodeAddress }

/** Bytes are sent as they are: keys need not be text. */
export type CommandArgument = string | number | Uint8Array

/** What the sources need of a connection. Calls of one turn of the event loop reach the node one after the other. */
export type NodeCommands = {
  readonly place: NodePlace
  /** One command; texts in the reply are strings. @throws NodeFailure */
  call(command: string, ...args: CommandArgument[]): Promise<unknown>
  /** The same with bytes in the reply. */
  callBuffer(command: string, ...args: CommandArgument[]): Promise<unknown>
}

const CONNECT_TIMEOUT_MS = 1_000
const COMMAND_TIMEOUT_MS = 1_000
const CLIENT_NAME = 'cachescope'

export class NodeConnection implements NodeCommands {
  readonly place: NodePlace
  /** Commands sent since the object was made, by the name that commandstats has for them: `slowlog|get`. */
  readonly sent = new Map<string, number>()
  /** Our end as the node sees it, `ip:port`; null when not connected. */
  ownAddress: string | null = null
  readonly #credentials: Credentials
  #client: Redis | null = null
  #stream: Socket | null = null
  #lastError: (Error & { code?: string }) | null = null
  #commands = 0
  #connections = 0
  /** It has answered as a Redis before: a silence is no reason to ask what it is. */
  #proven = false
  #closedBytes = { read: 0, written: 0 }
  /** Called once when an open connection ends by itself. */
  onClose: (() => void) | null = null
  /** What a subscription brings; of invalidations a list of keys, or null for all of them. */
  onMessage: ((message: unknown) => void) | null = null

  constructor(place: NodePlace, credentials: Credentials) {
    this.place = place
    this.#credentials = credentials
  }

  get isOpen(): boolean {
    return this.#client?.status === 'ready'
  }

  /** Grows only; over all connections that this object has made. */
  get cost(): { commands: number; bytesRead: number; bytesWritten: number; connections: number } {
    return {
      commands: this.#commands,
      connections: this.#connections,
      bytesRead: this.#closedBytes.read + (this.#stream?.bytesRead ?? 0),
      bytesWritten: this.#closedBytes.written + (this.#stream?.bytesWritten ?? 0),
    }
  }

  /** Connects and signs in. @throws NodeFailure */
  async open(): Promise<void> {
    this.close()
    this.#lastError = null
    const client = new Redis({
      host: this.place.host,
      port: this.place.port,
      tls: this.#credentials.tls ?? undefined,
      protocol: 2,
      lazyConnect: true,
      enableOfflineQueue: false,
      enableReadyCheck: false,
      disableClientInfo: true,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      retryStrategy: null,
      connectTimeout: CONNECT_TIMEOUT_MS,
      commandTimeout: COMMAND_TIMEOUT_MS,
      keepAlive: 30_000,
    })
    this.#client = client
    client.on('error', (error: Error) => {
      this.#lastError = error
    })
    client.on('messageBuffer', (_channel: Buffer, message: unknown) => {
      if (this.#client === client) this.onMessage?.(message)
    })
    client.once('close', () => {
      if (this.#client !== client) return
      this.#settleBytes()
      this.#client = null
      this.ownAddress = null
      this.onClose?.()
    })
    try {
      const connecting = client.connect()
      client.once('connect', () => {
        this.#stream = client.stream as Socket
      })
      await connecting
    } catch (error) {
      this.close()
      throw new NodeFailure(await this.#explain(this.#lastError ?? error))
    }
    this.#connections++
    await this.#signIn(client)
  }

  async #signIn(client: Redis): Promise<void> {
    const { username, password } = this.#credentials
    const stream = client.stream as Socket
    this.ownAddress = `${bracket(stream.localAddress ?? '')}:${stream.localPort ?? 0}`
    if (password !== null) {
      try {
        await this.call('AUTH', ...(username === null ? [password] : [username, password]))
      } catch (error) {
        // A server without a password refuses one; it serves all the same.
        if (!(error instanceof NodeFailure) || !/without any password/.test(error.message)) {
          this.close()
          throw error
        }
      }
    }
    await this.#tolerate(this.call('CLIENT', 'SETNAME', CLIENT_NAME))
    // Behind an address translation the node sees another address than the socket has.
    const info = await this.#tolerate(this.call('CLIENT', 'INFO'))
    const seen = /(?:^| )addr=(\S+)/.exec(String(info ?? ''))?.[1]
    if (seen) this.ownAddress = seen
  }

  /** Neither is needed to read a node: rights may be missing, or the version be too old. */
  async #tolerate(command: Promise<unknown>): Promise<unknown> {
    try {
      return await command
    } catch (error) {
      if (error instanceof NodeFailure && error.replyCode !== null) return null
      throw error
    }
  }

  call(command: string, ...args: CommandArgument[]): Promise<unknown> {
    return this.#send(command, args, (client) => client.call(command, ...args.map(asDriverArgument)))
  }

  callBuffer(command: string, ...args: CommandArgument[]): Promise<unknown> {
    return this.#send(command, args, (client) => client.callBuffer(command, ...args.map(asDriverArgument)))
  }

  async #send(
    command: string,
    args: CommandArgument[],
    run: (client: Redis) => Promise<unknown>,
  ): Promise<unknown> {
    const client = this.#client
    if (client?.status !== 'ready') {
      throw new NodeFailure(await this.#explain(this.#lastError ?? new Error('Connection is closed.')))
    }
    this.#commands++
    const name = statName(command, args)
    this.sent.set(name, (this.sent.get(name) ?? 0) + 1)
    try {
      const reply = await run(client)
      this.#proven = true
      return reply
    } catch (error) {
      if (isReply(error)) {
        this.#proven = true
        const text = this.#withoutPassword(error.message)
        const failure = failureOfReply(text, this.place.address, this.#credentials.password !== null)
        throw new NodeFailure(keepWording(failure, text), text.split(' ')[0] ?? null, movedTo(text))
      }
      const cause = this.#lastError ?? error
      this.close()
      throw new NodeFailure(await this.#explain(cause))
    }
  }

  /** An error may repeat what it is about: a server that does not know AUTH quotes what came with it. */
  #withoutPassword(text: string): string {
    const { password } = this.#credentials
    return password === null || password === '' ? text : text.replaceAll(password, '(password)')
  }

  /** From an error of the driver to what a person can act on; asks the port where the error has several causes. */
  async #explain(error: unknown): Promise<Failure> {
    const { host, port, address } = this.place
    const { code, message = '' } = error as { code?: string; message?: string }
    if (message.includes('Command timed out')) {
      const ask = this.#credentials.tls === null && !this.#proven
      return (ask ? await probe(host, port, address, false) : null) ?? timeoutFailure(address)
    }
    const isTls = this.#credentials.tls !== null
    if (isTls && code !== undefined && /CERT|SIGNED|ALTNAME/.test(code)) {
      return {
        state: 'tls-mismatch',
        message: `The certificate of ${address} is not accepted (${code}). Set tls.ca or tls.servername in cachescope.yaml.`,
      }
    }
    const plainCause = failureOfSystemError(code, address)
    const ambiguous =
      plainCause === null || code === 'ECONNRESET' || code === 'EPIPE' || (isTls && code === 'ETIMEDOUT')
    const probed = ambiguous ? await probe(host, port, address, isTls) : null
    if (probed) return probed
    if (plainCause) return plainCause
    if (/protocol error|invalid|unexpected|unknown .*type/i.test(message) && !/closed/i.test(message)) {
      return { state: 'not-redis', message: `What answers at ${address} does not speak the Redis protocol.` }
    }
    return failureOfSystemError('ECONNRESET', address) as Failure
  }

  /** Idempotent; commands under way fail. */
  close(): void {
    const client = this.#client
    if (!client) return
    this.#client = null
    this.#settleBytes()
    this.ownAddress = null
    client.disconnect()
    const stream = client.stream as Socket | undefined
    stream?.destroy()
  }

  #settleBytes(): void {
    this.#closedBytes.read += this.#stream?.bytesRead ?? 0
    this.#closedBytes.written += this.#stream?.bytesWritten ?? 0
    this.#stream = null
  }
}

const movedTo = (text: string): string | null => /^MOVED \d+ (\S+:\d+)$/.exec(text)?.[1] ?? null
const isReply = (error: unknown): error is Error => error instanceof Error && error.name === 'ReplyError'
const bracket = (host: string): string => (host.includes(':') ? `[${host}]` : host)

/** The refusal of a password by a server that has none is told apart by its own words. */
function keepWording(failure: Failure, text: string): Failure {
  return /without any password configured|no password is set/.test(text)
    ? { state: 'error', message: 'called without any password configured' }
    : failure
}

function asDriverArgument(argument: CommandArgument): string | number | Buffer {
  if (typeof argument !== 'object' || Buffer.isBuffer(argument)) return argument
  return Buffer.from(argument.buffer, argument.byteOffset, argument.byteLength)
}

const CONTAINERS = new Set([
  ...['CLIENT', 'CLUSTER', 'CONFIG', 'SLOWLOG', 'LATENCY', 'MEMORY', 'COMMAND'],
  ...['OBJECT', 'ACL', 'HOTKEYS'],
])
function statName(command: string, args: CommandArgument[]): string {
  const sub = CONTAINERS.has(command) && args.length > 0 ? `|${String(args[0]).toLowerCase()}` : ''
  return command.toLowerCase() + sub
}
