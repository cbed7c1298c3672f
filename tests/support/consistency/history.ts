/**
 * What several processes did to registers, one a key, on one clock: CLOCK_MONOTONIC, which all processes of a machine
 * share. Times are microseconds of it. A history is a file of JSON lines a process.
 */
import { createWriteStream, readFileSync, type WriteStream } from 'node:fs'

/** `library`: through @cachescope/client; `bare`: ioredis as it is, which is the oracle. */
export type Via = 'library' | 'bare'

export type Write = {
  kind: 'write'
  process: string
  via: Via
  key: string
  /** Unique in the history; null: deleted. */
  value: string | null
  /** `unknown`: an error was answered, and it may have been carried out or not. */
  outcome: 'ok' | 'unknown'
  /** Of the value, from when it is set. */
  expiresInMs: number | null
  /** The commands, for reading. */
  how: string
  invokedUs: number
  returnedUs: number
}
export type Read = {
  kind: 'read'
  process: string
  via: Via
  key: string
  value: string | null
  how: string
  invokedUs: number
  returnedUs: number
}
/** Read or write that was answered by an error. */
export type Failure = {
  kind: 'failure'
  process: string
  via: Via
  key: string
  how: string
  error: string
  atUs: number
}
/** A rejection that nobody took: an application would die of it. */
export type Unhandled = { kind: 'unhandled'; process: string; via: Via; error: string; atUs: number }
export type Fault = {
  kind: 'fault'
  name: string
  target: string
  startedUs: number
  /** When everything had recovered from it: roles, replication, leases. */
  endedUs: number
  /**
   * Keys whose primary it was: Redis answers a write before its replica has it, so what was answered around a
   * failover may be lost by Redis itself, and a primary that was deposed may answer once more with what it has.
   */
  mayLose: string[]
}
/** A mitigation, from the request until its phase was seen as off. */
export type Span = {
  kind: 'span'
  mitigationId: number
  action: string
  key: string
  fromUs: number
  toUs: number
  worstMs: number
  usualMs: number
  /** So long after its own write a process reads that one or a later one; 0: not promised. */
  ownReadsMs: number
}
export type HistoryEvent = Write | Read | Failure | Unhandled | Fault | Span

/** Whole microseconds; they stay exact for 285 years of uptime. */
export const nowUs = (): number => Number(process.hrtime.bigint() / 1_000n)

/** Appends to a file; nothing is held back in memory for longer than the stream does. */
export class HistoryWriter {
  readonly #stream: WriteStream

  constructor(path: string) {
    this.#stream = createWriteStream(path, { flags: 'a' })
  }

  add(event: HistoryEvent): void {
    this.#stream.write(`${JSON.stringify(event)}\n`)
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#stream.end(resolve))
  }
}

export function readHistory(paths: string[]): HistoryEvent[] {
  return paths.flatMap((path) =>
    readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line): HistoryEvent => JSON.parse(line)),
  )
}
