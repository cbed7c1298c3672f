/** Memory for about fifty nodes, with the module that works on it. Nodes and command tables come and go in it. */
import type { CommandTable } from '../../../core/hot-keys/command-keys.ts'
import { encodeCommandTable } from './command-places.ts'
import { ARENA_BYTES, ARENA_PAGES, FIRST_NODE, INPUT, INPUT_BYTES, LAYOUT } from './layout.ts'

type Exports = {
  /** @returns where it stopped */
  scan(node: number, from: number, end: number): number
  add(node: number, key: number, length: number, db: number, command: number, write: number): void
  clear(node: number): void
}

const TABLE_BYTES = LAYOUT.TABLE_PLACES * LAYOUT.ENTRY_SIZE

export class Arena {
  readonly exports: Exports
  readonly bytes: Uint8Array
  readonly words: Int32Array
  /** Where sockets of its nodes read to. */
  readonly input: Uint8Array
  readonly #freeNodes: number[] = []
  readonly #tables = new Map<CommandTable, { at: number; users: number }>()
  readonly #freeTables: number[] = []
  #nextNode = FIRST_NODE
  #lastTable = ARENA_BYTES

  constructor(module: WebAssembly.Module) {
    const memory = new WebAssembly.Memory({ initial: ARENA_PAGES, maximum: ARENA_PAGES })
    const { exports } = new WebAssembly.Instance(module, { env: { memory } })
    this.exports = exports as unknown as Exports
    this.bytes = new Uint8Array(memory.buffer)
    this.words = new Int32Array(memory.buffer)
    this.input = this.bytes.subarray(INPUT, INPUT + INPUT_BYTES)
  }

  /** @returns its address; null when the arena is full */
  takeNode(seed: number, table: CommandTable): number | null {
    const needsTable = !this.#tables.has(table) && this.#freeTables.length === 0
    const needed = (needsTable ? TABLE_BYTES : 0) + (this.#freeNodes.length === 0 ? LAYOUT.NODE_SIZE : 0)
    if (this.#nextNode + needed > this.#lastTable) return null
    const tableAt = this.#takeTable(table)
    let node = this.#freeNodes.pop()
    if (node === undefined) {
      node = this.#nextNode
      this.#nextNode += LAYOUT.NODE_SIZE
    }
    this.bytes.fill(0, node, node + LAYOUT.COUNTERS)
    this.words[(node + LAYOUT.SEED) >> 2] = seed
    this.words[(node + LAYOUT.TABLE) >> 2] = tableAt
    this.exports.clear(node)
    return node
  }

  giveBack(node: number, table: CommandTable): void {
    this.#freeNodes.push(node)
    const known = this.#tables.get(table)
    if (known === undefined || --known.users > 0) return
    this.#tables.delete(table)
    this.#freeTables.push(known.at)
  }

  #takeTable(table: CommandTable): number {
    const known = this.#tables.get(table)
    if (known !== undefined) {
      known.users++
      return known.at
    }
    let at = this.#freeTables.pop()
    if (at === undefined) {
      this.#lastTable -= TABLE_BYTES
      at = this.#lastTable
    }
    encodeCommandTable(table, this.bytes.subarray(at, at + TABLE_BYTES))
    this.#tables.set(table, { at, users: 1 })
    return at
  }
}
