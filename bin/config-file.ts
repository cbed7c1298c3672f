/** cachescope.yaml as the command finds it; what is wrong with it is told before anything starts. */
import { readFileSync } from 'node:fs'
import { isAbsolute, relative, resolve } from 'node:path'
import { certificatesBeside } from '../collector/certificate-file.ts'
import { type Config, parseConfig } from '../core/config.ts'
import { ConfigError, formatProblems } from '../core/config-problems.ts'
import { CommandError, EXIT } from './exit-codes.ts'

const EXAMPLE = `caches:
  - name: shop
    kind: cluster                      # or standalone
    nodes: [redis://10.0.0.1:6379]     # any node of it; the others are discovered
    # password: \${SHOP_REDIS_PASSWORD} # from the environment`

/** @throws CommandError with every problem, or with what to write when there is no file */
export function readConfigFile(path: string, env: NodeJS.ProcessEnv): { path: string; config: Config } {
  const absolute = resolve(path)
  const shown = isAbsolute(path) ? path : relative(process.cwd(), absolute) || path
  const text = readText(absolute, shown)
  try {
    return { path: absolute, config: parseConfig(text, env, certificatesBeside(absolute)) }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    throw new CommandError(EXIT.badInput, `${error.message}\n\n${formatProblems(shown, error.problems)}`)
  }
}

function readText(path: string, shown: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT') throw new CommandError(EXIT.badInput, `${shown} cannot be read: ${message}`)
    throw new CommandError(
      EXIT.badInput,
      `There is no ${shown}. It names the caches to watch; write one like this, or name another with --config:\n\n${EXAMPLE}\n\n` +
        'To look at Cachescope without caches of your own: cachescope demo',
    )
  }
}
