/** The redis-server on the path, and the newest Redis and Valkey, which `cachescope test` fetches (bin/setup/engines.mjs). */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { STATE_DIRECTORY } from '../../bin/paths.ts'

/** `installed` is Debian's of this release (7.0 in Debian 12); `redis` is 8.4 or later, `valkey` 9.0 or later. */
export type Engine = 'installed' | 'redis' | 'valkey'

const FOLDER = join(STATE_DIRECTORY, 'engines')
const Manifest = z.object({
  libraries: z.string(),
  loader: z.string(),
  programs: z.object({ redis: z.string(), valkey: z.string() }),
})

/** The start of the command line that runs its server; throws when it was not fetched. */
export function serverOf(engine: Engine): { program: string; args: string[] } {
  if (engine === 'installed') return { program: 'redis-server', args: [] }
  const { libraries, loader, programs } = readManifest()
  const at = (path: string) => join(FOLDER, path)
  return { program: at(loader), args: ['--library-path', at(libraries), at(programs[engine])] }
}

function readManifest(): z.infer<typeof Manifest> {
  let text: string
  try {
    text = readFileSync(join(FOLDER, 'engines.json'), 'utf8')
  } catch {
    throw new Error(
      `No newest Redis and Valkey in ${FOLDER}. Run ./bin/cachescope test integration once: it fetches them.`,
    )
  }
  return Manifest.parse(JSON.parse(text))
}
