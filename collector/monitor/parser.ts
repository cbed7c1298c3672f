/**
 * MONITOR's stream, fed in chunks that are cut anywhere:
 * `+<sec>.<µs> [<db> <address>] "command" "argument" …\r\n`, after the replies to what opened it.
 *
 * Only the command's name, the words that tell where its keys are, and the keys are decoded and held, until the
 * end of their line. Values are stepped over. Memory is the same whatever the length of a line.
 */
import type { CommandKeys, CommandNames, CommandTable } from '../../core/hot-keys/command-keys.ts'
import { DONE, KeyWalker, MAX_WORD_BYTES, SKIP, WORD } from '../../core/hot-keys/key-walker.ts'
import { KeyBuffer } from './key-buffer.ts'
import { findQuote, type LineHeader, MAX_HEADER_BYTES, parseHeader } from './line-header.ts'
import { Opening, type OpeningState } from './opening.ts'
import { type LineSink, noCounts, type ParserCounts, type ParserSession } from './parser-types.ts'
import { UnknownNames } from './unknown-names.ts'

/** Keys of one line that are held at a time: longer or more are counted in `droppedKeys`. */
export const MAX_LINE_KEY_BYTES = 65_536
const MAX_LINE_KEYS = 4_096

const REPLY = 0
const LINE_START = 1
const HEADER = 2
/** Between arguments: where a quote opens one. */
const BEFORE = 3
const INSIDE = 4
const ESCAPE = 5
const HEX_HIGH = 6
const HEX_LOW = 7
/** Inside an argument that nobody wants. */
const PASSING = 8
const PASSING_ESCAPE = 9
const AFTER = 10
const RETURN = 11
/** Nothing more of this line matters; its end does. */
const REST = 12
const BROKEN = 13

const LF = 10
const CR = 13
const SPACE = 32
const QUOTE = 34
const PLUS = 43
const BACKSLASH = 92

/** What an escaped letter stands for; -1 where Redis writes no such escape. */
const ESCAPES = new Int16Array(256).fill(-1)
for (const [letter, byte] of Object.entries({ '\\': 92, '"': 34, n: 10, r: 13, t: 9, a: 7, b: 8 })) {
  ESCAPES[letter.charCodeAt(0)] = byte
}

const LUA = Buffer.from('lua')

export class MonitorParser {
  /** Since `begin`. */
  counts: ParserCounts = noCounts()
  readonly #names: CommandNames
  readonly #unknown = new UnknownNames()
  readonly #sink: LineSink
  readonly #opening = new Opening()
  readonly #walker = new KeyWalker()
  readonly #keys = new KeyBuffer(MAX_LINE_KEY_BYTES, MAX_LINE_KEYS)
  readonly #word = new Uint8Array(MAX_WORD_BYTES)
  readonly #head = new Uint8Array(MAX_HEADER_BYTES)
  readonly #header: LineHeader = { db: 0, addressStart: 0, addressEnd: 0 }

  #own: Uint8Array[] = []
  #primary: Uint8Array | null = null
  #replica = false

  #state = REPLY
  #headLength = 0
  #wordLength = 0
  #high = 0
  #lastByte = 0
  #argument = 0
  /** As `KeyWalker.want` answers. The command's name, and the subcommand's, are words. */
  #want = WORD
  #command: CommandKeys | null = null
  #container: CommandKeys | null = null
  /** The line is no client's command: to be counted as this, and no further. */
  #kind: 'commands' | 'scripted' | 'replicated' | 'own' = 'commands'

  constructor(table: CommandTable, sink: LineSink) {
    this.#names = table.names
    this.#sink = sink
  }

  begin(session: ParserSession): void {
    this.counts = noCounts()
    this.#own = session.ownAddresses.map((address) => Buffer.from(address))
    this.#primary = session.primaryAddress === null ? null : Buffer.from(session.primaryAddress)
    this.#replica = session.replica
    this.#opening.begin(session.replies)
    this.#state = session.replies > 0 ? REPLY : LINE_START
  }

  end(): void {
    if (this.#state !== REPLY && this.#state !== LINE_START) this.counts.truncated++
    this.#state = LINE_START
  }

  get state(): OpeningState {
    return this.#opening.state
  }

  get unknownNames(): readonly string[] {
    return this.#unknown.names
  }

  feed(chunk: Buffer): void {
    this.counts.bytes += chunk.length
    let at = 0
    while (at < chunk.length) {
      switch (this.#state) {
        case PASSING:
          at = this.#pass(chunk, at)
          break
        case REST:
        case BROKEN:
          at = this.#skipLine(chunk, at)
          break
        case INSIDE:
          at = this.#take(chunk, at)
          break
        case AFTER:
          at = this.#next(chunk, at)
          break
        case LINE_START:
          at = this.#start(chunk, at)
          break
        default:
          this.#step(chunk[at] as number)
          at++
      }
    }
    if (chunk.length > 0) this.#lastByte = chunk[chunk.length - 1] as number
  }

  /** A whole header at once, where the chunk has it; else its first byte. */
  #start(chunk: Buffer, at: number): number {
    const quote = chunk[at] === PLUS ? findQuote(chunk, at) : -1
    if (quote < 0 || !parseHeader(chunk, at + 1, quote, this.#header)) {
      this.#step(chunk[at] as number)
      return at + 1
    }
    this.#kind = 'commands'
    this.#command = null
    this.#sortByAddress(chunk)
    return quote + 1
  }

  /** What follows an argument: the next one or the end, at once where the chunk has it. */
  #next(chunk: Buffer, at: number): number {
    const byte = chunk[at]
    const following = chunk[at + 1]
    if (byte === SPACE && following === QUOTE) this.#beginArgument()
    else if (byte === CR && following === LF) this.#endLine()
    else {
      this.#step(byte as number)
      return at + 1
    }
    return at + 2
  }

  /** Steps over an argument, up to its closing quote. */
  #pass(chunk: Buffer, from: number): number {
    for (let at = from; at < chunk.length; at++) {
      const byte = chunk[at] as number
      if (byte === BACKSLASH) {
        this.#state = PASSING_ESCAPE
        return at + 1
      }
      if (byte === QUOTE) {
        this.#state = AFTER
        return at + 1
      }
      if (byte === LF) return this.#endBroken(at)
    }
    return chunk.length
  }

  #skipLine(chunk: Buffer, from: number): number {
    const end = chunk.indexOf(LF, from)
    if (end < 0) return chunk.length
    const before = end > 0 ? chunk[end - 1] : this.#lastByte
    if (this.#state === BROKEN || before !== CR) return this.#endBroken(end)
    this.#endLine()
    return end + 1
  }

  /** Takes the plain bytes of a wanted argument. */
  #take(chunk: Buffer, from: number): number {
    let at = from
    while (at < chunk.length && !isSpecial(chunk[at] as number)) at++
    if (this.#want >= 0) this.#keys.putAll(chunk, from, at)
    else for (let taken = from; taken < at; taken++) this.#put(chunk[taken] as number)
    if (at === chunk.length) return at
    const byte = chunk[at] as number
    if (byte === LF) return this.#endBroken(at)
    if (byte === BACKSLASH) this.#state = ESCAPE
    else this.#endArgument()
    return at + 1
  }

  #put(byte: number): void {
    if (this.#want >= 0) this.#keys.put(byte)
    else if (this.#wordLength < MAX_WORD_BYTES) this.#word[this.#wordLength++] = byte
    else this.#wordLength = MAX_WORD_BYTES + 1
  }

  #step(byte: number): void {
    if (byte === LF && this.#state !== REPLY && this.#state !== RETURN) {
      this.#endBroken(0)
      return
    }
    switch (this.#state) {
      case REPLY:
        if (this.#opening.step(byte)) this.#state = LINE_START
        return
      case LINE_START:
        this.#headLength = 0
        this.#kind = 'commands'
        this.#command = null
        this.#state = byte === PLUS ? HEADER : BROKEN
        return
      case HEADER:
        if (byte === QUOTE) this.#endHeader()
        else if (this.#headLength === MAX_HEADER_BYTES) this.#state = BROKEN
        else this.#head[this.#headLength++] = byte
        return
      case BEFORE:
        if (byte === QUOTE) this.#beginArgument()
        else this.#state = BROKEN
        return
      case ESCAPE: {
        const plain = ESCAPES[byte] as number
        if (byte === 120) this.#state = HEX_HIGH
        else if (plain < 0) this.#state = BROKEN
        else {
          this.#put(plain)
          this.#state = INSIDE
        }
        return
      }
      case HEX_HIGH:
        this.#high = hexDigit(byte)
        this.#state = this.#high < 0 ? BROKEN : HEX_LOW
        return
      case HEX_LOW: {
        const low = hexDigit(byte)
        if (low >= 0) this.#put(this.#high * 16 + low)
        this.#state = low < 0 ? BROKEN : INSIDE
        return
      }
      case PASSING_ESCAPE:
        this.#state = PASSING
        return
      case AFTER:
        this.#state = byte === SPACE ? BEFORE : byte === CR ? RETURN : BROKEN
        return
      case RETURN:
        if (byte === LF) this.#endLine()
        else this.#state = BROKEN
    }
  }

  #endHeader(): void {
    if (parseHeader(this.#head, 0, this.#headLength, this.#header)) this.#sortByAddress(this.#head)
    else this.#state = BROKEN
  }

  /** @param bytes with the header in them */
  #sortByAddress(bytes: Uint8Array): void {
    if (this.#isAddress(bytes, LUA)) this.#kind = 'scripted'
    else if (this.#isOwn(bytes)) this.#kind = 'own'
    else if (this.#primary !== null && this.#isAddress(bytes, this.#primary)) this.#kind = 'replicated'
    if (this.#kind !== 'commands') {
      this.#state = REST
      return
    }
    this.#keys.clear()
    this.#container = null
    this.#argument = 0
    this.#want = WORD
    this.#wordLength = 0
    this.#state = INSIDE
  }

  #isOwn(bytes: Uint8Array): boolean {
    for (const address of this.#own) if (this.#isAddress(bytes, address)) return true
    return false
  }

  #isAddress(bytes: Uint8Array, address: Uint8Array): boolean {
    const { addressStart, addressEnd } = this.#header
    if (addressEnd - addressStart !== address.length) return false
    for (let at = address.length - 1; at >= 0; at--)
      if (bytes[addressStart + at] !== address[at]) return false
    return true
  }

  #beginArgument(): void {
    this.#argument++
    const want = this.#container !== null ? WORD : this.#walker.want(this.#argument)
    this.#want = want
    this.#wordLength = 0
    if (want >= 0) this.#keys.begin(want, this.#argument)
    this.#state = want === DONE ? REST : want === SKIP ? PASSING : INSIDE
  }

  #endArgument(): void {
    this.#state = AFTER
    if (this.#want >= 0) {
      this.#keys.end()
      return
    }
    const length = this.#wordLength <= MAX_WORD_BYTES ? this.#wordLength : 0
    if (this.#argument === 0) this.#startCommand(length)
    else if (this.#container !== null) {
      const subcommand = this.#container.subcommands?.find(this.#word, 0, length) ?? this.#container
      this.#container = null
      this.#setCommand(subcommand)
    } else this.#walker.word(this.#argument, this.#word, 0, length)
  }

  #startCommand(length: number): void {
    const command = this.#names.find(this.#word, 0, length)
    if (command === null) this.#state = REST
    else if (command.subcommands !== null) {
      this.#command = command
      this.#container = command
      this.#walker.start(command)
    } else this.#setCommand(command)
  }

  #setCommand(command: CommandKeys): void {
    this.#command = command
    this.#walker.start(command)
    if (!this.#replica || !command.write) return
    this.#kind = 'replicated'
    this.#state = REST
  }

  #endLine(): void {
    this.#state = LINE_START
    this.counts.lines++
    this.counts[this.#kind]++
    if (this.#kind === 'own') return
    if (this.#kind !== 'commands') {
      this.#sink.countOther()
      return
    }
    this.#sink.countCommand()
    this.counts.droppedKeys += this.#keys.dropped
    if (this.#command === null) this.#countUnknown()
    else if (this.#keys.count > 0) this.#countKeys(this.#command)
  }

  /** Its name is the last word that was taken. */
  #countUnknown(): void {
    this.counts.unknown++
    this.#unknown.add(this.#word, 0, this.#wordLength <= MAX_WORD_BYTES ? this.#wordLength : 0)
  }

  #countKeys(command: CommandKeys): void {
    const keys = this.#keys
    for (let number = 0; number < keys.count; number++) {
      const spec = keys.spec(number)
      if (!this.#walker.isKey(spec, keys.argument(number), this.#argument + 1) || !keys.isNew(number))
        continue
      const write = this.#walker.isWrite(spec)
      this.#sink.countKey(
        keys.bytes,
        keys.start(number),
        keys.stop(number),
        this.#header.db,
        command.id,
        write,
      )
    }
  }

  #endBroken(at: number): number {
    this.#state = LINE_START
    this.counts.lines++
    this.counts.malformed++
    return at + 1
  }
}

function isSpecial(byte: number): boolean {
  return byte === QUOTE || byte === BACKSLASH || byte === LF
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48
  return byte >= 97 && byte <= 102 ? byte - 87 : -1
}
