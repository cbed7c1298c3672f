/**
 * The commands of the actions that are done on the servers: a preview shows them, the action sends them.
 * Passwords are never part of them: those who send add them.
 */
import type { NodeAddress } from '../sample.ts'

export type ServerCommand = { node: NodeAddress; words: string[] }

/** `CONFIG SET maxmemory 1073741824`, for reading: words that are not plain are quoted. */
export function commandText(words: readonly string[]): string {
  return words.map((word) => (/^[\w!-&(-~]+$/.test(word) ? word : JSON.stringify(word))).join(' ')
}

const at = (node: NodeAddress, ...words: (string | number)[]): ServerCommand => ({
  node,
  words: words.map(String),
})

export type HostPort = { host: string; port: number }

/** `[::1]:6379` → `::1` and 6379 */
export function hostPort(address: NodeAddress): HostPort {
  const colon = address.lastIndexOf(':')
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(address.slice(colon + 1)) }
}

/** How long a server tries to let a replica catch up before it gives a failover up. */
const FAILOVER_TIMEOUT_MS = 10_000
/** Writes wait no longer than this for a failover by hand. */
export const HANDOVER_PAUSE_MS = 5_000
/** The same by Sentinels: long enough for another collector to go on where one has died. */
export const SENTINEL_PAUSE_MS = 15_000

export const clusterFailover = (replica: NodeAddress) => at(replica, 'CLUSTER', 'FAILOVER')
export const sentinelFailover = (sentinel: NodeAddress, master: string) =>
  at(sentinel, 'SENTINEL', 'FAILOVER', master)
export const failoverTo = (primary: NodeAddress, { host, port }: HostPort) =>
  at(primary, 'FAILOVER', 'TO', host, port, 'TIMEOUT', FAILOVER_TIMEOUT_MS)
export const failoverAbort = (primary: NodeAddress) => at(primary, 'FAILOVER', 'ABORT')
export const replicaOf = (node: NodeAddress, { host, port }: HostPort) => at(node, 'REPLICAOF', host, port)
export const promote = (node: NodeAddress) => at(node, 'REPLICAOF', 'NO', 'ONE')
/** Why a failover that needs a pause of writes is refused before Redis 6.2. */
export const NO_WRITE_PAUSE =
  'it can only hold back every command, ours too, and writes that were answered would be lost. Stop the writers, then promote by hand.'
/** Of writes, from Redis 6.2 on. */
export const pause = (node: NodeAddress, ms: number) => at(node, 'CLIENT', 'PAUSE', ms, 'WRITE')
export const unpause = (node: NodeAddress) => at(node, 'CLIENT', 'UNPAUSE')

export const slotImporting = (node: NodeAddress, slot: number, sourceId: string) =>
  at(node, 'CLUSTER', 'SETSLOT', slot, 'IMPORTING', sourceId)
export const slotMigrating = (node: NodeAddress, slot: number, destinationId: string) =>
  at(node, 'CLUSTER', 'SETSLOT', slot, 'MIGRATING', destinationId)
export const slotNode = (node: NodeAddress, slot: number, ownerId: string) =>
  at(node, 'CLUSTER', 'SETSLOT', slot, 'NODE', ownerId)
export const slotStable = (node: NodeAddress, slot: number) => at(node, 'CLUSTER', 'SETSLOT', slot, 'STABLE')
/** Between two signs of life of the other server: one that reads a big value in gives none. */
const MIGRATE_TIMEOUT_MS = 5_000
/** Of one key, by MEMORY USAGE: a bigger one holds both nodes up for a second and more, and comes to nothing after five. */
export const MAX_MIGRATED_BYTES = 64_000_000
/** Keys whose sizes are asked for before anything is sent. */
export const SIZED_KEYS = 1_000
/**
 * Keys of one batch follow; with a password, AUTH or AUTH2 stands before KEYS. REPLACE: a key that is at both, after a
 * MIGRATE that was cut off, is the source's: its clients are not sent on while it is there.
 */
export const migrateKeys = (source: NodeAddress, { host, port }: HostPort) =>
  at(source, 'MIGRATE', host, port, '', 0, MIGRATE_TIMEOUT_MS, 'REPLACE')
/** Back to where the slot is owned: what is there stays. */
export const fetchKeys = (from: NodeAddress, { host, port }: HostPort) =>
  at(from, 'MIGRATE', host, port, '', 0, MIGRATE_TIMEOUT_MS)
/** Redis 8.4 and later, on the destination. */
export const importSlot = (destination: NodeAddress, slot: number) =>
  at(destination, 'CLUSTER', 'MIGRATION', 'IMPORT', slot, slot)
export const cancelImport = (destination: NodeAddress, task: string) =>
  at(destination, 'CLUSTER', 'MIGRATION', 'CANCEL', 'ID', task)
/** Valkey 9 and later, on the source. */
export const migrateSlot = (source: NodeAddress, slot: number, destinationId: string) =>
  at(source, 'CLUSTER', 'MIGRATESLOTS', 'SLOTSRANGE', slot, slot, 'NODE', destinationId)
/** Of all moves that the node began: it knows no other way. */
export const cancelMigrations = (source: NodeAddress) => at(source, 'CLUSTER', 'CANCELSLOTMIGRATIONS')

/** Keys that one SCAN looks at. */
export const SCAN_COUNT = 250
/** Keys that are looked at per primary and second. */
export const SCAN_KEYS_PER_SEC = 1_000
export const scanKeys = (node: NodeAddress, cursor: string, pattern: string) =>
  at(node, 'SCAN', cursor, 'MATCH', pattern, 'COUNT', SCAN_COUNT)

export const configSet = (node: NodeAddress, name: string, value: string) =>
  at(node, 'CONFIG', 'SET', name, value)
/** Of maxmemory, where 0 is no limit. */
export const isLowered = (from: number, to: number): boolean => to !== 0 && (from === 0 || to < from)
export const killClient = (node: NodeAddress, clientId: number) => at(node, 'CLIENT', 'KILL', 'ID', clientId)
/** The command that shows one client, or whether it is there. */
export const listClient = (clientId: number): string => `CLIENT LIST ID ${clientId}`
/** All that a server keeps by itself (acllog-max-len); sign-ins of one user within a minute are one entry. */
export const ACL_LOG_LENGTH = 128
export const userOff = (node: NodeAddress, username: string) => at(node, 'ACL', 'SETUSER', username, 'off')
export const userOn = (node: NodeAddress, username: string) => at(node, 'ACL', 'SETUSER', username, 'on')
export const killUser = (node: NodeAddress, username: string) => at(node, 'CLIENT', 'KILL', 'USER', username)

/** A pause is given in slices: when the collector dies, writes go on after this at the latest. */
export const PAUSE_SLICE_MS = 5_000
/** After which the next slice is given. */
export const PAUSE_RENEW_MS = PAUSE_SLICE_MS / 2
export const pauseSlice = (node: NodeAddress, leftMs: number) =>
  pause(node, Math.max(1, Math.min(PAUSE_SLICE_MS, Math.ceil(leftMs))))
