/**
 * The engine in WebAssembly. The module reads what is simple, where the socket has put it; whatever it stops at is
 * read by MonitorParser, line by line, into the same sketch: so both engines give the same answers.
 */
import type { CommandTable } from '../../../core/hot-keys/command-keys.ts'
import { type MergedWindow, SlidingWindow } from '../../../core/hot-keys/window.ts'
import type { OpeningState } from '../opening.ts'
import { MonitorParser } from '../parser.ts'
import { noCounts, type ParserCounts, type ParserSession, type StreamEngine } from '../parser-types.ts'
import type { Arena } from './arena.ts'
import { CARRY_BYTES, INPUT, INPUT_BYTES, LAYOUT, MAX_ADDRESS_BYTES, MAX_OWN_ADDRESSES } from './layout.ts'
import { WasmSketch } from './wasm-sketch.ts'

const LF = 10

export class WasmEngine implements StreamEngine {
  readonly kind = 'wasm'
  readonly input: Uint8Array
  readonly #arena: Arena
  readonly #node: number
  readonly #table: CommandTable
  readonly #window: SlidingWindow
  readonly #parser: MonitorParser
  #counts: ParserCounts = noCounts()
  /** Of the line that the last chunk cut, in the node's memory. */
  #carried = 0
  /** MonitorParser is inside a line. */
  #handedOver = false
  /** A session that the module cannot tell: MonitorParser reads all of it. */
  #onlyParser = false

  /** @param node taken from the arena for this table */
  constructor(arena: Arena, node: number, table: CommandTable) {
    this.#arena = arena
    this.#node = node
    this.#table = table
    this.input = arena.input
    this.#window = new SlidingWindow(new WasmSketch(arena, node))
    this.#parser = new MonitorParser(table, this.#window)
  }

  begin(session: ParserSession): void {
    this.#parser.begin(session)
    this.#counts = noCounts()
    this.#carried = 0
    this.#handedOver = false
    const addresses = [session.primaryAddress ?? '', ...session.ownAddresses].map((one) => Buffer.from(one))
    this.#onlyParser =
      addresses.length > MAX_OWN_ADDRESSES + 1 || addresses.some((one) => one.length > MAX_ADDRESS_BYTES)
    if (this.#onlyParser) return
    addresses.forEach((address, number) => {
      const at = this.#node + LAYOUT.ADDRESSES + number * LAYOUT.ADDRESS_SIZE
      this.#setWord(at, address.length)
      this.#arena.bytes.set(address, at + 4)
    })
    this.#setWord(this.#node + LAYOUT.PRIMARY_LENGTH, addresses[0]?.length ?? 0)
    this.#setWord(this.#node + LAYOUT.OWN_COUNT, session.ownAddresses.length)
    this.#setWord(this.#node + LAYOUT.REPLICA, session.replica ? 1 : 0)
  }

  feed(chunk: Uint8Array, now: number): void {
    this.#window.advance(now)
    this.#counts.bytes += chunk.length
    if (chunk.buffer === this.#arena.bytes.buffer && chunk.byteOffset >= INPUT) {
      this.#read(chunk.byteOffset, chunk.byteOffset + chunk.length)
      return
    }
    for (let from = 0; from < chunk.length; from += INPUT_BYTES) {
      const part = chunk.subarray(from, from + INPUT_BYTES)
      this.#arena.bytes.set(part, INPUT)
      this.#read(INPUT, INPUT + part.length)
    }
  }

  end(): void {
    if (this.#onlyParser || this.#handedOver || this.#parser.state.kind === 'pending') this.#parser.end()
    if (this.#carried > 0) this.#counts.truncated++
    this.#carried = 0
    this.#handedOver = false
  }

  get state(): OpeningState {
    return this.#parser.state
  }

  get counts(): Readonly<ParserCounts> {
    const { bytes: _bytes, ...parsed } = this.#parser.counts
    const counts = { ...this.#counts }
    for (const [name, count] of Object.entries(parsed)) counts[name as keyof ParserCounts] += count
    return counts
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
    this.#arena.giveBack(this.#node, this.#table)
  }

  /** Bytes of the arena, from a place at or behind INPUT. */
  #read(from: number, end: number): void {
    let at = this.#handedOver || this.#parser.state.kind === 'pending' ? this.#parseOn(from, end) : from
    if (at === end) return
    if (this.#onlyParser) {
      this.#parse(at, end)
      return
    }
    at -= this.#carried
    this.#arena.bytes.copyWithin(at, this.#node + LAYOUT.CARRY, this.#node + LAYOUT.CARRY + this.#carried)
    this.#carried = 0
    for (;;) {
      at = this.#arena.exports.scan(this.#node, at, end)
      this.#takeCounts()
      if (at === end) return
      const lineEnd = this.#endOfLine(at, end)
      if (lineEnd === null) {
        this.#keep(at, end)
        return
      }
      this.#parse(at, lineEnd)
      at = lineEnd
      if (at === end) return
    }
  }

  /** The opening's replies, or the rest of a line that MonitorParser began. @returns where a line begins, or `end` */
  #parseOn(from: number, end: number): number {
    let at = from
    while (at < end && (this.#handedOver || this.#parser.state.kind === 'pending')) {
      const lineEnd = this.#endOfLine(at, end)
      this.#handedOver = lineEnd === null
      this.#parse(at, lineEnd ?? end)
      at = lineEnd ?? end
    }
    return at
  }

  /** Behind the line's end; null where it has none. What lies behind `end` is not looked at: that is much. */
  #endOfLine(from: number, end: number): number | null {
    const found = this.#arena.bytes.subarray(from, end).indexOf(LF)
    return found < 0 ? null : from + found + 1
  }

  #parse(from: number, end: number): void {
    this.#parser.feed(Buffer.from(this.#arena.bytes.buffer, from, end - from))
  }

  /** A line without its end. */
  #keep(from: number, end: number): void {
    if (end - from > CARRY_BYTES) {
      this.#parse(from, end)
      this.#handedOver = true
      return
    }
    this.#arena.bytes.copyWithin(this.#node + LAYOUT.CARRY, from, end)
    this.#carried = end - from
  }

  #takeCounts(): void {
    const take = (field: number) => {
      const count = this.#arena.words[(this.#node + field) >> 2] as number
      this.#setWord(this.#node + field, 0)
      return count
    }
    const commands = take(LAYOUT.COMMANDS)
    const scripted = take(LAYOUT.SCRIPTED)
    const replicated = take(LAYOUT.REPLICATED)
    this.#counts.lines += take(LAYOUT.LINES)
    this.#counts.commands += commands
    this.#counts.scripted += scripted
    this.#counts.replicated += replicated
    this.#counts.own += take(LAYOUT.OWN)
    this.#window.countLines(commands, scripted + replicated)
  }

  #setWord(at: number, value: number): void {
    this.#arena.words[at >> 2] = value
  }
}
