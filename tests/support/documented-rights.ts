/** The rights of docs/permissions.md, as a reader would grant them. */
import { readFileSync } from 'node:fs'
import type { ServerAction } from '../../core/mitigations/model.ts'
import type { RedisProcess } from './redis.ts'

export const MITIGATION_USER = { username: 'cachescope-mitigate', password: 'correct-horse', tls: null }

const DOCS = readFileSync(new URL('../../docs/permissions.md', import.meta.url), 'utf8')
/** Those that every action on servers needs. */
export const BASE_RULES = (
  /ACL SETUSER cachescope-mitigate on >PASSWORD (.*)/.exec(DOCS)?.[1] ?? 'missing'
).split(' ')

/** The rights of a line of the table, told by what its second column has. */
export function rightsOf(action: ServerAction, where: string): string[] {
  const line = DOCS.split('\n').find((one) => one.startsWith(`| \`${action}\` |`) && one.includes(where))
  const rights = /\| `([^`]*)`[^|]*\|$/.exec(line?.replaceAll('\\|', '¦') ?? '')?.[1]?.replaceAll('¦', '|')
  if (rights === undefined) throw new Error(`docs/permissions.md has no line for ${action} ${where}`)
  return rights.split(' ')
}

export async function grant(nodes: readonly RedisProcess[], rights: readonly string[]): Promise<void> {
  const { username, password } = MITIGATION_USER
  for (const node of nodes)
    await node.command('ACL', 'SETUSER', username, 'on', `>${password}`, ...BASE_RULES, ...rights)
}
