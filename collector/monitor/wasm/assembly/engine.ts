// Reads whole lines of MONITOR's stream whose keys stand at fixed places, 16 bytes at a time, and counts their keys.
// It stops before every line that is anything else (cut off, broken, a command whose keys move): that one is
// MonitorParser's. So it may doubt as often as it likes, and must never accept what MonitorParser would not.
import {
  ADDRESS_SIZE,
  ADDRESSES,
  COMMANDS,
  DECODED,
  ENTRY_FIRST_SPEC,
  ENTRY_ID,
  ENTRY_KIND,
  ENTRY_SIZE,
  ENTRY_SPECS,
  ENTRY_WRITES,
  LINE_KEY_SIZE,
  LINE_KEYS,
  LINES,
  MAX_LINE_KEY_BYTES,
  MAX_LINE_KEYS,
  MAX_NAME_BYTES,
  OWN,
  OWN_COUNT,
  PRIMARY_LENGTH,
  REPLICA,
  REPLICATED,
  SCRIPTED,
  SPEC_SIZE,
  TABLE,
  TABLE_PLACES,
} from './layout'
import { add } from './sketch'

export { add, clear } from './sketch'

const KEYS = 1
const SKIPPED = 0
const REST = -1
/** Of a command: its only key is its first argument. */
const KIND_FIRST = 2

/** @returns where it stopped: `end`, or the beginning of a line that is not for it */
export function scan(node: usize, from: usize, end: usize): usize {
  // What lies behind the end must not look like a quote; it is put back, for it may be read next.
  const behind = v128.load(end)
  v128.store(end, i8x16.splat(10))
  const stopped = scanLines(node, from, end)
  v128.store(end, behind)
  return stopped
}

function scanLines(node: usize, from: usize, end: usize): usize {
  const table = <usize>load<u32>(node + TABLE)
  let line = from
  while (line < end) {
    const next = scanLine(node, table, line, end)
    if (next === 0) return line
    line = next
  }
  return end
}

/** @returns the beginning of the next line, or 0 when this one is not for us */
@inline
function scanLine(node: usize, table: usize, line: usize, end: usize): usize {
  if (line + 32 > end || load<u8>(line) !== 43) return 0
  // `+1700000000.123456 [0 `
  const time = v128.load(line + 1)
  const digits = i8x16.bitmask(i8x16.le_u(i8x16.sub(time, i8x16.splat(48)), i8x16.splat(9)))
  if (digits !== 0xfbff || load<u8>(line, 11) !== 46 || !isDigit(load<u8>(line, 17))) return 0
  if (load<u16>(line, 18) !== 0x5b20 || !isDigit(load<u8>(line, 20))) return 0
  let db: i32 = load<u8>(line, 20) - 48
  let address = line + 22
  if (load<u8>(line, 21) !== 32) {
    if (!isDigit(load<u8>(line, 21)) || load<u8>(line, 22) !== 32) return 0
    db = db * 10 + load<u8>(line, 21) - 48
    address = line + 23
  }
  const quote = findQuote(address, address + 64)
  if (quote === 0 || quote >= end || quote < address + 2 || load<u16>(quote - 2) !== 0x205d) return 0
  const addressLength = <u32>(quote - 2 - address)
  const counter = kindOf(node, address, addressLength)
  if (counter !== COMMANDS) return endRest(node, counter, quote + 1, end)

  const name = quote + 1
  const nameEnd = findQuote(name, name + 32)
  if (nameEnd === 0 || nameEnd >= end) return 0
  const entry = findCommand(table, name, <u32>(nameEnd - name))
  if (entry === 0 || load<u8>(entry, ENTRY_KIND) === 0) return 0
  if (load<u32>(node + REPLICA) !== 0 && load<u8>(entry, ENTRY_WRITES) !== 0) {
    return endRest(node, REPLICATED, nameEnd + 1, end)
  }
  if (load<u8>(entry, ENTRY_KIND) === KIND_FIRST) {
    const next = scanFirst(node, entry, db, nameEnd + 1, end)
    if (next !== 0) return next
  }
  return scanArguments(node, entry, db, nameEnd + 1, end)
}

/** Most lines: a command whose only key is its first argument, with nothing to decode. 0: it is not so simple. */
@inline
function scanFirst(node: usize, entry: usize, db: i32, from: usize, end: usize): usize {
  const key = from + 2
  if (load<u16>(from) !== 0x2220 || key >= end) return 0
  const keyEnd = findSpecial(key)
  if (keyEnd + 3 > end || load<u8>(keyEnd) !== 34) return 0
  const length = <u32>(keyEnd - key)
  if (length > MAX_LINE_KEY_BYTES) return 0
  const two = load<u16>(keyEnd, 1)
  let next = keyEnd + 3
  if (two !== 0x0a0d) {
    if (two !== 0x2220) return 0
    next = findEnd(next, end)
    if (next === 0) return 0
  }
  countCommand(node)
  add(node, key, length, db, <u32>load<u16>(entry, ENTRY_ID), load<u8>(entry, ENTRY_FIRST_SPEC + 2))
  return next
}

@inline
function scanArguments(node: usize, entry: usize, db: i32, from: usize, end: usize): usize {
  let at = from
  let index: i32 = 0
  let keys: u32 = 0
  let keyBytes: u32 = 0
  let decoded = DECODED
  while (true) {
    const two = load<u16>(at)
    if (two === 0x0a0d) {
      if (at + 2 > end) return 0
      countKeys(node, entry, db, keys, index + 1)
      return at + 2
    }
    if (two !== 0x2220 || at + 2 >= end) return 0
    index++
    at += 2
    const spec = load<u8>(entry, ENTRY_SPECS) === 0 ? <i32>REST : specOf(entry, index)
    if (spec === REST) {
      const next = findEnd(at, end)
      if (next === 0) return 0
      countKeys(node, entry, db, keys, index + 1)
      return next
    }
    if (spec < KEYS) {
      at = passArgument(at, end)
      if (at === 0) return 0
      continue
    }
    if (keys === MAX_LINE_KEYS) return 0
    let key = at
    let length: u32 = 0
    const stop = findSpecial(at)
    if (stop >= end) return 0
    if (load<u8>(stop) === 34) {
      length = <u32>(stop - at)
      at = stop + 1
    } else if (load<u8>(stop) === 92) {
      key = decoded
      at = decodeArgument(at, end, decoded)
      if (at === 0) return 0
      length = decodedLength
      decoded += length
    } else return 0
    keyBytes += length
    if (keyBytes > MAX_LINE_KEY_BYTES) return 0
    const place = LINE_KEYS + <usize>keys * LINE_KEY_SIZE
    store<u32>(place, <u32>key)
    store<u32>(place, length, 4)
    store<u32>(place, <u32>(spec - KEYS), 8)
    store<i32>(place, index, 12)
    keys++
  }
  return 0
}

/** What argument `index` is: KEYS + the number of its specification, SKIPPED, or REST: nothing that follows matters. */
@inline
function specOf(entry: usize, index: i32): i32 {
  let answer: i32 = REST
  const specs: i32 = load<u8>(entry, ENTRY_SPECS)
  for (let number: i32 = 0; number < specs; number++) {
    const spec = entry + ENTRY_FIRST_SPEC + <usize>number * SPEC_SIZE
    const first: i32 = load<u8>(spec)
    const last = load<i32>(spec, 4)
    if (index < first) answer = SKIPPED
    else if (last < 0 || index <= first + last) {
      const step: i32 = load<u8>(spec, 1)
      if (step === 1 || (index - first) % step === 0) return KEYS + number
      answer = SKIPPED
    }
  }
  return answer
}

function countKeys(node: usize, entry: usize, db: i32, keys: u32, argumentCount: i32): void {
  countCommand(node)
  const command = <u32>load<u16>(entry, ENTRY_ID)
  for (let number: u32 = 0; number < keys; number++) {
    const place = LINE_KEYS + <usize>number * LINE_KEY_SIZE
    const spec = entry + ENTRY_FIRST_SPEC + <usize>load<u32>(place, 8) * SPEC_SIZE
    const last = load<i32>(spec, 4)
    const isKey =
      last < 0
        ? load<i32>(place, 12) <= argumentCount + last
        : <i32>load<u8>(spec) + last < argumentCount
    if (!isKey) {
      // So that no later one is compared with it.
      store<i32>(place, -1, 12)
      continue
    }
    if (number > 0 && !isNew(number)) continue
    add(node, <usize>load<u32>(place), load<u32>(place, 4), db, command, load<u8>(spec, 2))
  }
}

function isNew(number: u32): bool {
  const place = LINE_KEYS + <usize>number * LINE_KEY_SIZE
  const length = load<u32>(place, 4)
  const key = <usize>load<u32>(place)
  for (let other: u32 = 0; other < number; other++) {
    const before = LINE_KEYS + <usize>other * LINE_KEY_SIZE
    if (load<u32>(before, 4) !== length || load<i32>(before, 12) < 0) continue
    if (memory.compare(<usize>load<u32>(before), key, length) === 0) return false
  }
  return true
}

/** Which counter the line belongs to by its address. */
@inline
function kindOf(node: usize, address: usize, length: u32): usize {
  if (length === 3 && load<u16>(address) === 0x756c && load<u8>(address, 2) === 97) return SCRIPTED
  const own = load<u32>(node + OWN_COUNT)
  for (let number: u32 = 1; number <= own; number++) {
    if (isAddress(node + ADDRESSES + <usize>number * ADDRESS_SIZE, address, length)) return OWN
  }
  if (load<u32>(node + PRIMARY_LENGTH) !== 0 && isAddress(node + ADDRESSES, address, length)) return REPLICATED
  return COMMANDS
}

@inline
function isAddress(known: usize, address: usize, length: u32): bool {
  if (load<u32>(known) !== length) return false
  // The port differs, mostly.
  if (length >= 4 && load<u32>(known + length) !== load<u32>(address + length - 4)) return false
  return memory.compare(known + 4, address, length) === 0
}

/** A line of which nothing but its end matters. */
function endRest(node: usize, counter: usize, from: usize, end: usize): usize {
  const next = findEnd(from, end)
  if (next === 0) return 0
  increment(node + LINES)
  increment(node + counter)
  return next
}

@inline
function countCommand(node: usize): void {
  increment(node + LINES)
  increment(node + COMMANDS)
}

@inline
function increment(at: usize): void {
  store<u32>(at, load<u32>(at) + 1)
}

/** The first byte of the next line; 0 where this one has no proper end. */
@inline
function findEnd(from: usize, end: usize): usize {
  let at = from
  while (true) {
    const found = i8x16.bitmask(i8x16.eq(v128.load(at), i8x16.splat(10)))
    if (found !== 0) {
      at += ctz(found)
      return at < end && load<u8>(at - 1) === 13 ? at + 1 : 0
    }
    at += 16
  }
  return 0
}

/** A quote with neither a backslash nor a line's end before it; 0 if there is none before `limit`. */
@inline
function findQuote(from: usize, limit: usize): usize {
  for (let at = from; at < limit; at += 16) {
    const special = specialsAt(at)
    if (special !== 0) {
      const found = at + ctz(special)
      return load<u8>(found) === 34 ? found : 0
    }
  }
  return 0
}

/** The first quote, backslash or line's end. */
@inline
function findSpecial(from: usize): usize {
  let at = from
  while (true) {
    const special = specialsAt(at)
    if (special !== 0) return at + ctz(special)
    at += 16
  }
  return 0
}

@inline
function specialsAt(at: usize): i32 {
  const bytes = v128.load(at)
  return i8x16.bitmask(
    v128.or(
      v128.or(i8x16.eq(bytes, i8x16.splat(34)), i8x16.eq(bytes, i8x16.splat(92))),
      i8x16.eq(bytes, i8x16.splat(10)),
    ),
  )
}

/** @returns behind the closing quote, or 0 */
function passArgument(from: usize, end: usize): usize {
  let at = from
  while (true) {
    at = findSpecial(at)
    if (at >= end) return 0
    const byte = load<u8>(at)
    if (byte === 34) return at + 1
    if (byte === 10 || load<u8>(at, 1) === 10) return 0
    at += 2
  }
  return 0
}

let decodedLength: u32 = 0

/** @returns behind the closing quote, or 0; how much was written is in `decodedLength` */
function decodeArgument(from: usize, end: usize, to: usize): usize {
  let at = from
  let written = to
  const limit = DECODED + <usize>MAX_LINE_KEY_BYTES
  while (at < end) {
    if (written >= limit) return 0
    const byte = load<u8>(at)
    if (byte === 34) {
      decodedLength = <u32>(written - to)
      return at + 1
    }
    if (byte === 10) return 0
    if (byte !== 92) {
      store<u8>(written++, byte)
      at++
      continue
    }
    const escaped = load<u8>(at, 1)
    if (escaped === 120) {
      const high = hexDigit(load<u8>(at, 2))
      const low = hexDigit(load<u8>(at, 3))
      if (high < 0 || low < 0) return 0
      store<u8>(written++, <u8>(high * 16 + low))
      at += 4
    } else {
      const plain = plainOf(escaped)
      if (plain < 0) return 0
      store<u8>(written++, <u8>plain)
      at += 2
    }
  }
  return 0
}

@inline
function plainOf(letter: u8): i32 {
  switch (letter) {
    case 92:
      return 92
    case 34:
      return 34
    case 110:
      return 10
    case 114:
      return 13
    case 116:
      return 9
    case 97:
      return 7
    case 98:
      return 8
    default:
      return -1
  }
}

@inline
function hexDigit(byte: u8): i32 {
  if (isDigit(byte)) return byte - 48
  return byte >= 97 && byte <= 102 ? byte - 87 : -1
}

@inline
function isDigit(byte: u8): bool {
  return <u8>(byte - 48) <= 9
}

/** The entry of a command's name, in any case; 0 where the table has none. */
@inline
function findCommand(table: usize, name: usize, length: u32): usize {
  if (length === 0 || length > MAX_NAME_BYTES) return 0
  let place = hashName(name, length) & (TABLE_PLACES - 1)
  while (true) {
    const entry = table + <usize>place * ENTRY_SIZE
    const known = <u32>load<u8>(entry)
    if (known === 0) return 0
    if (known === length && isName(entry + 1, name, length)) return entry
    place = (place + 1) & (TABLE_PLACES - 1)
  }
  return 0
}

@inline
function isName(known: usize, name: usize, length: u32): bool {
  for (let at: u32 = 0; at < length; at++) if (load<u8>(known + at) !== lower(load<u8>(name + at))) return false
  return true
}

@inline
function hashName(name: usize, length: u32): u32 {
  let hash: u32 = 0x811c9dc5
  for (let at: u32 = 0; at < length; at++) hash = (hash ^ <u32>lower(load<u8>(name + at))) * 0x01000193
  return hash ^ (hash >> 15)
}

@inline
function lower(byte: u8): u8 {
  return <u8>(byte - 65) < 26 ? byte + 32 : byte
}
