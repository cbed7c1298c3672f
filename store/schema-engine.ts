/** Prisma's schema engine as WebAssembly, on a pg pool. */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { PrismaPg } from '@prisma/adapter-pg'
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils'
import * as bindings from '@prisma/schema-engine-wasm/schema_engine_bg'
import type pg from 'pg'

type WasmExports = WebAssembly.Exports & { __wbindgen_start(): void }
const glue = bindings as typeof bindings & { __wbg_set_wasm(exports: WebAssembly.Exports): void }

/**
 * The adapter splits scripts at every semicolon, which breaks functions and runs each statement by itself. Sent
 * whole, a script is one transaction: a migration is applied completely or not at all.
 */
class WholeScriptAdapter extends PrismaPg {
  readonly #pool: pg.Pool
  /** What Postgres said when the last script failed: the engine reports less. */
  scriptError: unknown = null

  constructor(pool: pg.Pool) {
    super(pool)
    this.#pool = pool
  }

  override async connect() {
    const adapter = await super.connect()
    adapter.executeScript = async (script) => {
      try {
        await this.#pool.query(script)
      } catch (error) {
        this.scriptError = error
        throw error
      }
    }
    return adapter
  }
}

let loading: Promise<void> | undefined

/** By hand, because Node's own import of WebAssembly is experimental and warns. */
async function load(): Promise<void> {
  const require = createRequire(import.meta.url)
  const folder = dirname(require.resolve('@prisma/schema-engine-wasm'))
  const bytes = await readFile(join(folder, 'schema_engine_bg.wasm'))
  const imports = { './schema_engine_bg.js': bindings as unknown as WebAssembly.ModuleImports }
  const { instance } = await WebAssembly.instantiate(bytes, imports)
  glue.__wbg_set_wasm(instance.exports)
  ;(instance.exports as WasmExports).__wbindgen_start()
}

/** @throws what Postgres said, where the engine failed on a script */
export async function withSchemaEngine<T>(
  pool: pg.Pool,
  datamodel: string,
  use: (engine: bindings.SchemaEngine) => Promise<T>,
): Promise<T> {
  loading ??= load()
  await loading
  const adapter = new WholeScriptAdapter(pool)
  const factory = bindMigrationAwareSqlAdapterFactory(adapter)
  const engine = await bindings.SchemaEngine.new(
    { datamodels: [['schema.prisma', datamodel]] },
    () => {},
    factory,
  )
  try {
    return await use(engine)
  } catch (error) {
    throw adapter.scriptError ?? error
  } finally {
    engine.free()
  }
}
