/**
 * The connections that mitigations of one cache use, apart from those that watch it: as another user where one is
 * configured, and silent at once when the lease is in doubt. Everything that is sent is in the node's bill.
 */
import type { NodeAddress } from '../../core/sample.ts'
import { type CommandArgument, type Credentials, NodeConnection } from '../connection/node-connection.ts'
import { placeOf } from '../discovery.ts'
import type { ActionNode } from './action.ts'
import { Halted } from './halted.ts'
import { addToBill, countLookups, emptyBill, type NodeBill } from './node-bill.ts'

/** Told of every command, before it is sent and after it was answered. */
export type OnCommand = (at: string) => void | Promise<void>

type Shared = {
  owner: string
  db: number
  connection: NodeConnection
  opening: Promise<void> | null
  isClosed: boolean
}

export class ActionNodes {
  readonly #credentialsOf: (address: NodeAddress) => Credentials
  readonly #isHeld: () => boolean
  readonly #shared = new Map<string, Shared>()
  readonly #dedicated = new Set<NodeConnection>()
  /** Of connections that are let go, and of all lookups. */
  readonly #settled = new Map<NodeAddress, NodeBill>()

  /** @param isHeld whether the cache is certainly ours */
  constructor(credentialsOf: (address: NodeAddress) => Credentials, isHeld: () => boolean) {
    this.#credentialsOf = credentialsOf
    this.#isHeld = isHeld
  }

  /**
   * One connection for each owner, node and database: a transaction of one is never in another's way.
   * @throws Halted, NodeFailure
   */
  async node(
    owner: string,
    address: NodeAddress,
    db = 0,
    onCommand: OnCommand = () => {},
  ): Promise<ActionNode> {
    const shared = this.#sharedOf(owner, address, db)
    await this.#ensureOpen(shared)
    const send = async (
      command: string,
      args: CommandArgument[],
      run: (connection: NodeConnection) => Promise<unknown>,
    ) => {
      await this.#ensureOpen(shared)
      const shown = shownOf(command, args)
      await onCommand(`before ${shown} at ${address}`)
      // Nothing may come between this look and the command: a process that was stopped wakes up anywhere.
      if (!this.#isHeld() || shared.isClosed) throw new Halted()
      const reply = await run(shared.connection)
      countLookups(this.#settledOf(address), command, reply)
      await onCommand(`after ${shown} at ${address}`)
      return reply
    }
    return {
      address,
      call: (command, ...args) => send(command, args, (open) => open.call(command, ...args)),
      callBuffer: (command, ...args) => send(command, args, (open) => open.callBuffer(command, ...args)),
    }
  }

  #sharedOf(owner: string, address: NodeAddress, db: number): Shared {
    const name = `${owner} ${address} ${db}`
    const known = this.#shared.get(name)
    if (known) return known
    const connection = new NodeConnection(placeOf(address), this.#credentialsOf(address))
    const made: Shared = { owner, db, connection, opening: null, isClosed: false }
    this.#shared.set(name, made)
    return made
  }

  async #ensureOpen(shared: Shared): Promise<void> {
    // Who still has it is of a time that is over: it does not open again.
    if (shared.isClosed) throw new Halted()
    if (shared.connection.isOpen && shared.opening === null) return
    if (!this.#isHeld()) throw new Halted()
    shared.opening ??= open(shared).finally(() => {
      shared.opening = null
    })
    await shared.opening
    if (shared.isClosed) throw new Halted()
  }

  /** A connection for one purpose alone, open; to be given back. @throws Halted, NodeFailure */
  async openDedicated(address: NodeAddress): Promise<NodeConnection> {
    if (!this.#isHeld()) throw new Halted()
    const connection = new NodeConnection(placeOf(address), this.#credentialsOf(address))
    this.#dedicated.add(connection)
    try {
      await connection.open()
      if (!this.#dedicated.has(connection)) throw new Halted()
      return connection
    } catch (error) {
      this.release(connection)
      throw error
    }
  }

  /** Closes it; what it cost stays in the bill. Idempotent. */
  release(connection: NodeConnection): void {
    connection.onClose = null
    connection.onMessage = null
    connection.close()
    if (!this.#dedicated.delete(connection)) return
    addToBill(this.#settledOf(connection.place.address), connection)
  }

  billOf(address: NodeAddress): NodeBill {
    const settled = this.#settledOf(address)
    const bill = { ...settled, byCommand: new Map(settled.byCommand) }
    for (const connection of this.#open) if (connection.place.address === address) addToBill(bill, connection)
    return bill
  }

  #settledOf(address: NodeAddress): NodeBill {
    const known = this.#settled.get(address) ?? emptyBill()
    this.#settled.set(address, known)
    return known
  }

  get #open(): NodeConnection[] {
    return [...[...this.#shared.values()].map(({ connection }) => connection), ...this.#dedicated]
  }

  /** Our ends of what is open now, as the nodes see them. */
  get ownAddresses(): Set<string> {
    return new Set(this.#open.flatMap(({ ownAddress }) => (ownAddress === null ? [] : [ownAddress])))
  }

  /** Closes what one owner has for good: who goes on asks for a node anew. */
  closeOf(owner: string): void {
    for (const [name, shared] of this.#shared) {
      if (shared.owner !== owner) continue
      this.#shared.delete(name)
      shared.isClosed = true
      shared.connection.close()
      addToBill(this.#settledOf(shared.connection.place.address), shared.connection)
    }
  }

  /** Closes all; commands under way fail. */
  close(): void {
    for (const { owner } of [...this.#shared.values()]) this.closeOf(owner)
    for (const connection of [...this.#dedicated]) this.release(connection)
  }
}

const CONTAINERS = /^(CLIENT|CLUSTER|CONFIG|ACL|SENTINEL|SCRIPT|MEMORY)$/

/** `CLUSTER MIGRATION IMPORT`: as far as it tells what is done. */
function shownOf(command: string, args: readonly CommandArgument[]): string {
  const subcommands = CONTAINERS.test(command) ? args.slice(0, args[0] === 'MIGRATION' ? 2 : 1) : []
  return [command, ...subcommands].join(' ')
}

async function open({ connection, db }: Shared): Promise<void> {
  await connection.open()
  if (db === 0) return
  try {
    await connection.call('SELECT', db)
  } catch (error) {
    connection.close()
    throw error
  }
}
