/**
 * The control's own connection: one command after another in RESP2, over a socket that the client's own connector
 * opens. No second client of ioredis: when a process has two that are connected, the functions that each of them makes
 * are compiled for any of them rather than for the one, and its commands cost some 5% more; many processes have one.
 */
import type { Socket } from 'node:net'
import { type Client, methodOf } from '../ioredis/types.ts'
import { isIncomplete, type Reply, readReply } from './resp.ts'

type Waiting = { resolve: (reply: Reply) => void; reject: (error: Error) => void }

export class ControlConnection {
  readonly #side: Client
  readonly #waiting: Waiting[] = []
  #stream: Socket | null = null
  #chunks: Buffer[] = []
  #size = 0
  #needed = 0
  #end: Error | null = null

  /** Signed in, where there is something to sign in with. Rejects when that is refused or the connection is closed. */
  readonly ready: Promise<void>

  /** @param side a duplicate of the application's client that is never connected: it knows the way to the server */
  constructor(side: Client) {
    this.#side = side
    this.ready = this.#connect()
    this.ready.catch(() => {})
  }

  get stream(): Socket | null {
    return this.#stream
  }

  get isOpen(): boolean {
    return this.#end === null
  }

  async #connect(): Promise<void> {
    try {
      const connector = this.#side.connector ?? {}
      const opening: unknown = methodOf(connector, 'connect')?.call(connector, () => {})
      const stream = await opening
      if (!isSocket(stream)) throw new Error('ioredis has no connector that opens a socket')
      stream.on('error', (error) => this.close(error))
      if (this.#end !== null || stream.destroyed) {
        stream.destroy()
        throw this.#end ?? new Error('the connection was closed')
      }
      this.#stream = stream
      stream.unref?.()
      stream.setNoDelay?.(true)
      stream.on('data', (chunk: Buffer) => this.#receive(chunk))
      stream.on('close', () => this.close())
      await this.#signIn()
    } catch (error) {
      this.close(error instanceof Error ? error : undefined)
      throw error
    }
  }

  /** Rejects with the server's error, or when the connection is closed before the reply. */
  send(...command: readonly (string | number)[]): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.#end !== null || this.#stream === null) {
        reject(this.#end ?? new Error('not connected'))
        return
      }
      this.#waiting.push({ resolve, reject })
      this.#stream.write(encode(command))
    })
  }

  close(reason = new Error('the connection was closed')): void {
    if (this.#end !== null) return
    this.#end = reason
    this.#chunks = []
    this.#stream?.destroy()
    for (const { reject } of this.#waiting.splice(0)) reject(reason)
    try {
      const { connector } = this.#side
      if (connector !== undefined) methodOf(connector, 'disconnect')?.call(connector)
    } catch {
      // One of the application's own, and what it opened is destroyed.
    }
  }

  async #signIn(): Promise<void> {
    const { username, password, disableClientInfo, clientInfoTag } = this.#side.options
    // As ioredis: with a user's name whatever the password, which may be none.
    const words = username ? [username, password ?? ''] : password ? [password] : []
    const signingIn = words.length > 0 ? this.send('AUTH', ...words) : null
    // Servers before 7.2 do not know it.
    const naming =
      clientInfoTag && !disableClientInfo
        ? this.send('CLIENT', 'SETINFO', 'LIB-NAME', `ioredis(${clientInfoTag})`).catch(() => {})
        : null
    try {
      await signingIn
    } catch (error) {
      if (!NEEDS_NO_PASSWORD.test(String(error))) throw error
    }
    await naming
  }

  #receive(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#size += chunk.length
    if (this.#size < this.#needed) return
    const bytes = Buffer.concat(this.#chunks)
    let at = 0
    try {
      this.#needed = 0
      while (at < bytes.length) {
        const read = readReply(bytes, at)
        if (isIncomplete(read)) {
          this.#needed = read.bytes
          break
        }
        at = read.end
        const waiting = this.#waiting.shift()
        if (waiting === undefined) throw new Error('the server sent a reply that nothing has asked for')
        if (read.reply instanceof Error) waiting.reject(read.reply)
        else waiting.resolve(read.reply)
      }
      this.#chunks = at < bytes.length ? [bytes.subarray(at)] : []
      this.#size = bytes.length - at
    } catch (error) {
      this.close(error instanceof Error ? error : undefined)
    }
  }
}

/** What servers without one answer, the last before Redis 6 to a user's name; ioredis goes on as well. */
const NEEDS_NO_PASSWORD =
  /no password is set|without any password configured|wrong number of arguments for 'auth'/

function encode(command: readonly (string | number)[]): string {
  const words = command.map((word) => `$${Buffer.byteLength(String(word))}\r\n${word}\r\n`)
  return `*${words.length}\r\n${words.join('')}`
}

const isSocket = (value: unknown): value is Socket =>
  typeof value === 'object' && value !== null && ['on', 'write', 'destroy'].every((name) => name in value)
