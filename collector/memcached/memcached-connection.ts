/** One connection to a Memcached in its text protocol: one question at a time, each with a deadline. */
import { connect, type Socket } from 'node:net'
import { closedAtOnce, foreignAnswer, MemcachedFailure, silent, socketFailure } from './failure.ts'

const CONNECT_TIMEOUT_MS = 1_000
const ANSWER_TIMEOUT_MS = 1_000
/** `stats` has about 5 KB. */
const MAX_ANSWER_BYTES = 256 * 1024

export type MemcachedPlace = { host: string; port: number; address: string }

export class MemcachedConnection {
  readonly place: MemcachedPlace
  /** Grows only; over all connections that this object has made. */
  readonly cost = { commands: 0, connections: 0, bytes: 0 }
  #socket: Socket | null = null

  constructor(place: MemcachedPlace) {
    this.place = place
  }

  /** The lines before END. Connects when it must. @throws MemcachedFailure */
  async stats(): Promise<string[]> {
    const socket = this.#socket ?? (await this.#open())
    const request = 'stats\r\n'
    this.cost.commands++
    this.cost.bytes += request.length
    try {
      return await this.#ask(socket, request)
    } catch (error) {
      this.close()
      throw error
    }
  }

  /** Idempotent; a question under way fails. */
  close(): void {
    this.#socket?.destroy()
    this.#socket = null
  }

  #open(): Promise<Socket> {
    const { host, port, address } = this.place
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port, noDelay: true, keepAlive: true })
      const timer = setTimeout(() => fail(silentConnect(address)), CONNECT_TIMEOUT_MS)
      const fail = (failure: MemcachedFailure) => {
        clearTimeout(timer)
        socket.destroy()
        reject(failure)
      }
      socket.once('connect', () => {
        clearTimeout(timer)
        this.cost.connections++
        this.#socket = socket
        resolve(socket)
      })
      socket.on('error', (error: NodeJS.ErrnoException) => fail(socketFailure(error.code, address)))
      socket.once('close', () => {
        if (this.#socket === socket) this.#socket = null
      })
    })
  }

  #ask(socket: Socket, request: string): Promise<string[]> {
    const { address } = this.place
    return new Promise((resolve, reject) => {
      let text = ''
      const end = (outcome: string[] | MemcachedFailure) => {
        clearTimeout(timer)
        socket.off('data', read).off('close', closed).off('error', failed)
        if (outcome instanceof MemcachedFailure) reject(outcome)
        else resolve(outcome)
      }
      const read = (chunk: Buffer) => {
        this.cost.bytes += chunk.length
        text += chunk.toString('latin1')
        const first = text.slice(0, 64)
        if (!/^(STAT |END\r)/.test(first) && (text.includes('\n') || text.length > 64)) {
          end(foreignAnswer(text.split(/\r?\n/, 1)[0] ?? '', address))
        } else if (/(^|\n)END\r\n$/.test(text)) {
          end(text.split('\r\n').filter((line) => line.startsWith('STAT ')))
        } else if (text.length > MAX_ANSWER_BYTES) {
          end(foreignAnswer('', address))
        }
      }
      const failed = (error: NodeJS.ErrnoException) => end(socketFailure(error.code, address))
      const closed = () => end(text === '' ? closedAtOnce(address) : foreignAnswer(text, address))
      const timer = setTimeout(() => end(silent(address)), ANSWER_TIMEOUT_MS)
      socket.on('data', read).once('close', closed).once('error', failed)
      if (socket.destroyed) closed()
      else socket.write(request)
    })
  }
}

const silentConnect = (address: string) => socketFailure('ETIMEDOUT', address)
