/** Replies of RESP2 as the control's few commands have them: no arrays. https://redis.io/docs/latest/develop/reference/protocol-spec/ */

import { MAX_POLICY_BYTES } from './control.ts'

export type Reply = string | number | null
/** `bytes`: how many, from the same place on, are needed at the least. */
export type Incomplete = { bytes: number }
/** What the server answered: the connection is as good as before. */
export class ServerError extends Error {}
export type Read = { reply: Reply | Error; end: number }

/** @throws Error for what is no such reply: nothing after it can be read either */
export function readReply(bytes: Buffer, at: number): Read | Incomplete {
  const lineEnd = bytes.indexOf('\r\n', at)
  if (lineEnd < 0) {
    if (bytes.length - at > MAX_LINE) throw new Error('the server sent a line without an end')
    return { bytes: bytes.length - at + 1 }
  }
  const kind = String.fromCharCode(bytes[at] ?? 0)
  const line = bytes.toString('utf8', at + 1, lineEnd)
  const end = lineEnd + 2
  if (kind === '+') return { reply: line, end }
  if (kind === '-') return { reply: new ServerError(line), end }
  const number = Number(line)
  if (!Number.isSafeInteger(number) || line === '') throw unknown(kind, line)
  if (kind === ':') return { reply: number, end }
  if (kind !== '$' || number < -1 || number > MAX_POLICY_BYTES) throw unknown(kind, line)
  if (number === -1) return { reply: null, end }
  const bulkEnd = end + number
  if (bytes.length < bulkEnd + 2) return { bytes: bulkEnd + 2 - at }
  return { reply: bytes.toString('utf8', end, bulkEnd), end: bulkEnd + 2 }
}

export const isIncomplete = (read: Read | Incomplete): read is Incomplete => !('end' in read)

const MAX_LINE = 65_536

const unknown = (kind: string, line: string) =>
  new Error(`the server sent a reply of an unknown kind: ${JSON.stringify(kind + line.slice(0, 40))}`)
