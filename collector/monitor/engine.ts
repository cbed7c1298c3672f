/** The engine that reads MONITOR's stream on this machine: WebAssembly's, or without it TypeScript's. */
import { readFileSync } from 'node:fs'
import type { CommandTable } from '../../core/hot-keys/command-keys.ts'
import type { StreamEngine } from './parser-types.ts'
import { TypeScriptEngine } from './typescript-engine.ts'
import { Arena } from './wasm/arena.ts'
import { WasmEngine } from './wasm/wasm-engine.ts'

/** Built by the set-up from wasm/assembly. */
const MODULE = new URL('./wasm/generated/engine.wasm', import.meta.url)

class Engines {
  /** Why the module does not run here; null when it does, or was not loaded yet. */
  missing: string | null = null
  #module: WebAssembly.Module | null = null
  readonly #arenas: Arena[] = []

  create(table: CommandTable, seed: number): StreamEngine {
    const module = this.load()
    if (module === null) return new TypeScriptEngine(table, seed)
    for (const arena of this.#arenas) {
      const node = arena.takeNode(seed, table)
      if (node !== null) return new WasmEngine(arena, node, table)
    }
    const arena = new Arena(module)
    this.#arenas.push(arena)
    const node = arena.takeNode(seed, table)
    if (node === null) throw new Error('An empty arena has no room for a node')
    return new WasmEngine(arena, node, table)
  }

  load(): WebAssembly.Module | null {
    if (this.#module !== null || this.missing !== null) return this.#module
    try {
      this.#module = new WebAssembly.Module(readFileSync(MODULE))
    } catch (error) {
      const { code, name } = error as NodeJS.ErrnoException
      this.missing = code === 'ENOENT' ? 'the module is not built' : `the module does not run here (${name})`
    }
    return this.#module
  }
}

/**
 * Of the module, and not handed from above: nodes of all caches are to share its arenas, of 30 MiB each, and every
 * source of them would have to be given the same one.
 */
const engines = new Engines()

/** @param seed a secret 32-bit integer */
export function createStreamEngine(table: CommandTable, seed: number): StreamEngine {
  return engines.create(table, seed)
}

/** Why streams are read without WebAssembly, at a third of its speed or less; null when they are not. */
export function missingModule(): string | null {
  engines.load()
  return engines.missing
}
