/**
 * Tells when one key may have changed: one RESP2 connection that redirects invalidations to itself and subscribes to
 * them. What it tells after `arm` is complete up to each answered PING, as both travel the same way.
 */
import type { NodeAddress } from '../../../core/sample.ts'
import type { NodeConnection } from '../../connection/node-connection.ts'
import type { ActionNodes, OnCommand } from '../action-nodes.ts'

const CHANNEL = '__redis__:invalidate'

export type TrackerOptions = {
  nodes: ActionNodes
  key: Buffer
  /** The key was written, or everything was. */
  onChange(): void
  /** The connection is gone: changes may be missed from now on. */
  onLost(): void
  onCommand: OnCommand
}

export class Tracker {
  readonly #options: TrackerOptions
  #connection: NodeConnection | null = null
  #address: NodeAddress | null = null

  constructor(options: TrackerOptions) {
    this.#options = options
  }

  /** Where it listens; null while it does not. */
  get address(): NodeAddress | null {
    return this.#connection?.isOpen ? this.#address : null
  }

  /** Whatever is written after it resolves is told. @throws Halted, NodeFailure */
  async arm(address: NodeAddress): Promise<void> {
    this.stop()
    const { nodes, key, onCommand } = this.#options
    const connection = await nodes.openDedicated(address)
    try {
      connection.onMessage = (message) => this.#receive(message)
      const id = await connection.call('CLIENT', 'ID')
      await onCommand('before CLIENT TRACKING')
      await connection.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', String(id), 'BCAST', 'PREFIX', key)
      await onCommand('after CLIENT TRACKING')
      // The driver knows these two by their small names alone.
      await connection.call('subscribe', CHANNEL)
    } catch (error) {
      nodes.release(connection)
      throw error
    }
    connection.onClose = () => {
      if (this.#connection !== connection) return
      this.stop()
      this.#options.onLost()
    }
    this.#connection = connection
    this.#address = address
    if (!connection.isOpen) {
      this.stop()
      this.#options.onLost()
    }
  }

  /** All that was written before is told by then. A silent connection is lost. */
  async ping(): Promise<void> {
    // A failure closes the connection, and that is what tells.
    await this.#connection?.call('ping').catch(() => {})
  }

  #receive(message: unknown): void {
    // The prefix matches longer keys as well.
    const isOurs =
      !Array.isArray(message) ||
      message.some((key: unknown) => Buffer.isBuffer(key) && key.equals(this.#options.key))
    if (isOurs) this.#options.onChange()
  }

  /** Idempotent. */
  stop(): void {
    const connection = this.#connection
    this.#connection = null
    this.#address = null
    if (connection) this.#options.nodes.release(connection)
  }
}
