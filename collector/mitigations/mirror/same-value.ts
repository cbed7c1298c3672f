/**
 * Whether two keys hold the same, by their DUMPs. One value has many of them: of a table the order is each server's own,
 * and settings and versions decide how it is encoded. Where the bytes differ the contents are compared. Values stay in
 * here.
 */
import type { ActionNode } from '../action.ts'

type Held = { node: ActionNode; key: Buffer; dump: Buffer }
type Kind = { types: readonly number[]; read: readonly string[]; plain(parts: string[]): string[] }

/** The version of the format, and a checksum. */
const FOOTER_BYTES = 10

const asTheyAre = (parts: string[]): string[] => parts
const pairs = (parts: string[]): string[] =>
  parts.filter((_, index) => index % 2 === 0).map((first, at) => `${first} ${parts[at * 2 + 1]}`)
/** Scores are written in more than one way. */
const scored = (parts: string[]): string[] =>
  parts.map((part, index) =>
    index % 2 === 0 ? part : String(Number(Buffer.from(part, 'base64').toString())),
  )

/** Of Redis from 7.4 on and Valkey from 9 on: their fields may have times to live. */
const EXPIRING_HASHES = [22, 23, 24, 25]

/** By the first byte of a DUMP: of each type, all its encodings. */
const KINDS: readonly Kind[] = [
  { types: [0], read: ['GET'], plain: asTheyAre },
  { types: [1, 10, 14, 18], read: ['LRANGE', '0', '-1'], plain: asTheyAre },
  { types: [2, 11, 20], read: ['SMEMBERS'], plain: (parts) => parts.sort() },
  { types: [3, 5, 12, 17], read: ['ZRANGE', '0', '-1', 'WITHSCORES'], plain: scored },
  { types: [4, 9, 13, 16, ...EXPIRING_HASHES], read: ['HGETALL'], plain: (parts) => pairs(parts).sort() },
]

/** @throws NodeFailure where a node does not say, Halted */
export async function isSameValue(a: Held, b: Held): Promise<boolean> {
  if (bodyOf(a.dump).equals(bodyOf(b.dump))) return true
  const kind = kindOf(a.dump)
  if (kind === undefined || kind !== kindOf(b.dump)) return false
  const [ours, theirs] = await Promise.all([contentOf(a, kind), contentOf(b, kind)])
  return ours === theirs
}

/** Whether it may say of single fields when they expire, which what is compared of a hash does not tell. */
export const mayExpireByField = (dump: Buffer): boolean => EXPIRING_HASHES.includes(dump[0] ?? -1)

const bodyOf = (dump: Buffer): Buffer => dump.subarray(0, Math.max(0, dump.length - FOOTER_BYTES))
const kindOf = (dump: Buffer): Kind | undefined => KINDS.find(({ types }) => types.includes(dump[0] ?? -1))

async function contentOf({ node, key }: Held, { read, plain }: Kind): Promise<string> {
  const [command = '', ...args] = read
  const reply = await node.callBuffer(command, key, ...args)
  const parts = (Array.isArray(reply) ? reply : [reply]).map((part: unknown) =>
    Buffer.isBuffer(part) ? part.toString('base64') : '',
  )
  return plain(parts).join()
}
