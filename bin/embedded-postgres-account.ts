/** PostgreSQL refuses to run as root: root runs it as the user `postgres`, created where missing. */
import { execFile, type SpawnOptions } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { CachescopeError } from '../core/errors.ts'

const NAME = 'postgres'
const execute = promisify(execFile)

export type Account = {
  uid: number
  gid: number
  /** Whether the account can walk to the binaries and the data; a clone under /root is closed to it. */
  reachesFiles: boolean
}
export type Command = { file: string; args: string[]; options: SpawnOptions }

/** @returns null when this process is not root and the server runs as its own user */
export async function findAccount(paths: string[], log: (line: string) => void): Promise<Account | null> {
  if (process.getuid?.() !== 0) return null
  let ids = await readIds()
  if (ids === null) {
    log(`creating the system user ${NAME}: PostgreSQL does not run as root`)
    await run({ file: 'useradd', args: ['--system', '--user-group', '--no-create-home', NAME], options: {} })
    ids = await readIds()
  }
  if (ids === null) {
    throw new CachescopeError(
      'store-unreachable',
      `The user ${NAME} could not be created. Create it, or start as a user other than root.`,
    )
  }
  const reachable = await Promise.all(paths.map(isOpenToOthers))
  return { ...ids, reachesFiles: reachable.every(Boolean) }
}

async function readIds(): Promise<{ uid: number; gid: number } | null> {
  try {
    const [uid, gid] = await Promise.all([execute('id', ['-u', NAME]), execute('id', ['-g', NAME])])
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) }
  } catch {
    return null
  }
}

async function isOpenToOthers(path: string): Promise<boolean> {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    if (((await stat(folder)).mode & 0o001) === 0) return false
    if (folder === dirname(folder)) return true
  }
}

/** Behind closed folders the server keeps one right of root, to walk through them; it still is not root. */
export function commandAs(account: Account | null, file: string, args: string[]): Command {
  const env = { ...process.env, LC_MESSAGES: 'C' }
  if (account === null) return { file, args, options: { env } }
  const { uid, gid } = account
  if (account.reachesFiles) return { file, args, options: { env, uid, gid, cwd: '/' } }
  const grant = '+dac_override'
  const setpriv = [
    `--reuid=${uid}`,
    `--regid=${gid}`,
    '--clear-groups',
    `--inh-caps=${grant}`,
    `--ambient-caps=${grant}`,
  ]
  return { file: 'setpriv', args: [...setpriv, file, ...args], options: { env, cwd: '/' } }
}

/** @throws Error with what the command wrote to stderr */
export async function run(command: Command): Promise<string> {
  const { uid, gid, env, cwd } = command.options
  const { stdout } = await execute(command.file, command.args, { uid, gid, env, cwd, encoding: 'utf8' })
  return stdout
}
