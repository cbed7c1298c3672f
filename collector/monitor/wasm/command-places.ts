/** A command table as the module reads it: names by hash, and where the keys of those stand whose places are fixed. */
import type { CommandKeys, CommandTable } from '../../../core/hot-keys/command-keys.ts'
import type { KeySpec } from '../../../core/hot-keys/key-spec.ts'
import { LAYOUT } from './layout.ts'

/** More than any server has; what does not fit, MonitorParser knows. */
const MAX_NAMES = 900

/** @param bytes zeroed or not, of TABLE_PLACES entries */
export function encodeCommandTable(table: CommandTable, bytes: Uint8Array): void {
  bytes.fill(0)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let names = 0
  for (const { name, command } of table.names.entries()) {
    if (name.length === 0 || name.length > LAYOUT.MAX_NAME_BYTES || names === MAX_NAMES) continue
    const at = placeFor(name, bytes)
    if (at === null) continue
    names++
    bytes[at] = name.length
    bytes.set(name, at + 1)
    encodeCommand(command, view, at)
  }
}

function encodeCommand(command: CommandKeys, view: DataView, at: number): void {
  const isFixed = command.subcommands === null && command.specs.length <= 2 && command.specs.every(hasPlace)
  const isKnown = isFixed && command.id < 65_536
  view.setUint8(at + LAYOUT.ENTRY_KIND, isKnown ? (isFirstArgument(command) ? 2 : 1) : 0)
  view.setUint8(at + LAYOUT.ENTRY_WRITES, command.write ? 1 : 0)
  view.setUint8(at + LAYOUT.ENTRY_SPECS, command.specs.length)
  view.setUint16(at + LAYOUT.ENTRY_ID, command.id, true)
  if (!isFixed) return
  command.specs.forEach(({ begin, find, write }, number) => {
    if (begin.kind !== 'index' || find.kind !== 'range') return
    const spec = at + LAYOUT.ENTRY_FIRST_SPEC + number * LAYOUT.SPEC_SIZE
    view.setUint8(spec, begin.index)
    view.setUint8(spec + 1, find.step)
    view.setUint8(spec + 2, write ? 1 : 0)
    view.setInt32(spec + 4, find.last, true)
  })
}

function isFirstArgument({ specs }: CommandKeys): boolean {
  const [spec] = specs
  if (specs.length !== 1 || spec?.begin.kind !== 'index' || spec.find.kind !== 'range') return false
  return spec.begin.index === 1 && spec.find.last === 0
}

function hasPlace({ begin, find }: KeySpec): boolean {
  return (
    begin.kind === 'index' &&
    begin.index > 0 &&
    begin.index < 256 &&
    find.kind === 'range' &&
    find.limit <= 1 &&
    find.step > 0 &&
    find.step < 256
  )
}

/** Of a name's entry; null where the name has one. */
function placeFor(name: Uint8Array, bytes: Uint8Array): number | null {
  let place = hashName(name)
  for (;;) {
    place %= LAYOUT.TABLE_PLACES
    const at = place * LAYOUT.ENTRY_SIZE
    const length = bytes[at] as number
    if (length === 0) return at
    if (length === name.length && name.every((byte, index) => bytes[at + 1 + index] === byte)) return null
    place++
  }
}

function hashName(name: Uint8Array): number {
  let hash = 0x811c9dc5
  for (const byte of name) hash = Math.imul(hash ^ byte, 0x01000193)
  return (hash ^ (hash >>> 15)) >>> 0
}
