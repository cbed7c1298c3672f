/** What a parser of MONITOR's stream is told, whom it tells, and what it counts. */
import type { MergedWindow } from '../../core/hot-keys/window.ts'
import type { OpeningState } from './opening.ts'

export interface LineSink {
  /** A client's command. */
  countCommand(): void
  /** A command inside a script, or one that replication brought: it is load, but no client's command. */
  countOther(): void
  /** Once for every different key of a command, after its `countCommand`. The bytes are valid during the call only. */
  countKey(bytes: Uint8Array, start: number, end: number, db: number, commandId: number, write: boolean): void
}

export type ParserSession = {
  /** Replies that come before the stream: one for each command that opened it. */
  replies: number
  /** Addresses as MONITOR prints them. */
  ownAddresses: readonly string[]
  /** On a replica what replication brings is not counted: by the primary's address, and whatever writes. */
  replica: boolean
  primaryAddress: string | null
}

export type ParserCounts = {
  bytes: number
  /** Whole lines, of every kind. */
  lines: number
  commands: number
  scripted: number
  replicated: number
  own: number
  malformed: number
  /** 1 when the stream ended inside a line. */
  truncated: number
  /** Commands that the node's COMMAND does not list: their keys are not known. */
  unknown: number
  droppedKeys: number
}

/** One node's MONITOR stream, from the socket's bytes to a sliding window of counted keys, over all its bursts. */
export interface StreamEngine {
  readonly kind: 'wasm' | 'typescript'
  /**
   * Where a socket may put what it reads, so that nothing is copied. Shared by all engines of the process: what is
   * in it counts until `feed` returns.
   */
  readonly input: Uint8Array
  /** A new connection's stream. */
  begin(session: ParserSession): void
  /**
   * Never throws on what the bytes are. The chunk may be cut anywhere, and is not kept.
   * @param chunk in `input` or anywhere else
   * @param now epoch milliseconds: the slice that it is counted in
   */
  feed(chunk: Uint8Array, now: number): void
  /** The stream has ended. */
  end(): void
  readonly state: OpeningState
  /** Since `begin`. */
  readonly counts: Readonly<ParserCounts>
  /** Of commands that the table does not list, in lower case: the first few since the engine was made. */
  readonly unknownNames: readonly string[]
  /** The `limit` most used keys of the last ten seconds; null when no command was seen in them. */
  merge(now: number, limit: number): MergedWindow | null
  /** Forgets what was counted. */
  reset(): void
  /** Gives its memory back: the last call. */
  close(): void
}

export function noCounts(): ParserCounts {
  return {
    bytes: 0,
    lines: 0,
    commands: 0,
    scripted: 0,
    replicated: 0,
    own: 0,
    malformed: 0,
    truncated: 0,
    unknown: 0,
    droppedKeys: 0,
  }
}
