/** The engine without WebAssembly: the reference, and what runs where the other cannot. */
import type { CommandTable } from '../../core/hot-keys/command-keys.ts'
import { SpaceSaving } from '../../core/hot-keys/space-saving.ts'
import { type MergedWindow, SlidingWindow } from '../../core/hot-keys/window.ts'
import type { OpeningState } from './opening.ts'
import { MonitorParser } from './parser.ts'
import type { ParserCounts, ParserSession, StreamEngine } from './parser-types.ts'

/** Of the module, as an arena's is: no two sockets are read at once, and a buffer for each node would be megabytes. */
const input = new Uint8Array(256 * 1024)

export class TypeScriptEngine implements StreamEngine {
  readonly kind = 'typescript'
  readonly input = input
  readonly #window: SlidingWindow
  readonly #parser: MonitorParser

  constructor(table: CommandTable, seed: number) {
    this.#window = new SlidingWindow(new SpaceSaving({ seed }))
    this.#parser = new MonitorParser(table, this.#window)
  }

  begin(session: ParserSession): void {
    this.#parser.begin(session)
  }

  feed(chunk: Uint8Array, now: number): void {
    this.#window.advance(now)
    this.#parser.feed(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))
  }

  end(): void {
    this.#parser.end()
  }

  get state(): OpeningState {
    return this.#parser.state
  }

  get counts(): Readonly<ParserCounts> {
    return this.#parser.counts
  }

  get unknownNames(): readonly string[] {
    return this.#parser.unknownNames
  }

  merge(now: number, limit: number): MergedWindow | null {
    return this.#window.merge(now, limit)
  }

  reset(): void {
    this.#window.reset()
  }

  close(): void {
    this.#window.reset()
  }
}
