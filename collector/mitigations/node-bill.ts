/** What the connections of mitigations cost a node: it goes into the node's bill, and out of its rates. */
import type { NodeConnection } from '../connection/node-connection.ts'

/** Grows only. */
export type NodeBill = {
  commands: number
  bytesRead: number
  bytesWritten: number
  connections: number
  /** By the name of commandstats. */
  byCommand: Map<string, number>
  /** Keyspace hits and misses that our commands added. */
  hits: number
  misses: number
}

export function emptyBill(): NodeBill {
  return {
    commands: 0,
    bytesRead: 0,
    bytesWritten: 0,
    connections: 0,
    byCommand: new Map(),
    hits: 0,
    misses: 0,
  }
}

export function addToBill(bill: NodeBill, connection: Pick<NodeConnection, 'cost' | 'sent'>): void {
  const { commands, bytesRead, bytesWritten, connections } = connection.cost
  bill.commands += commands
  bill.bytesRead += bytesRead
  bill.bytesWritten += bytesWritten
  bill.connections += connections
  for (const [name, count] of connection.sent)
    bill.byCommand.set(name, (bill.byCommand.get(name) ?? 0) + count)
}

/** Reads that the server counts as a hit or a miss, by what answers that there is no key. */
const ABSENT: Record<string, (reply: unknown) => boolean> = {
  GET: (reply) => reply === null,
  DUMP: (reply) => reply === null,
  PTTL: (reply) => Number(reply) === -2,
  TYPE: (reply) => String(reply) === 'none',
  EXISTS: (reply) => Number(reply) === 0,
  HGETALL: isEmpty,
  SMEMBERS: isEmpty,
  LRANGE: isEmpty,
  ZRANGE: isEmpty,
  ZREVRANGEBYSCORE: isEmpty,
  GETRANGE: (reply) => reply === '',
}

function isEmpty(reply: unknown): boolean {
  return Array.isArray(reply) && reply.length === 0
}

export function countLookups(bill: NodeBill, command: string, reply: unknown): void {
  const isAbsent = ABSENT[command]
  if (isAbsent === undefined) return
  if (isAbsent(reply)) bill.misses++
  else bill.hits++
}
