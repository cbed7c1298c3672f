/**
 * What Cachescope asks of a Redis, right by right: how to find out whether the user has it, and the line that grants
 * what is missing. Pure.
 */

/** `unknown`: it cannot be told without trying what is not to be tried; `absent`: the server has no such command. */
export type RightState = 'allowed' | 'refused' | 'unknown' | 'absent'

export type Need = 'cluster' | 'lfu' | 'hotkeys' | 'slot-stats'

export type Right = {
  /** As ACL SETUSER has it, without its +. */
  name: string
  /** What ACL DRYRUN is asked. */
  dryRun: readonly string[]
  /** The same question by running it, where that is harmless; null where it is not. */
  direct: readonly string[] | null
  /** Where it is of use only: in a cluster, under an LFU policy, where the server has the command. */
  needs?: Need
  /** Keys or channels that it is to be used on: granted in a selector of its own (Redis 7). */
  on?: string
}

const PROBED_KEY = 'cachescope:probe'
const CHANNEL = 'cachescope-monitor'

const right = (
  name: string,
  dryRun: string,
  direct: string | null = dryRun,
  more: Partial<Right> = {},
): Right => ({
  name,
  dryRun: dryRun.split(' '),
  direct: direct === null ? null : direct.split(' '),
  ...more,
})

export const RIGHTS: readonly Right[] = [
  right('ping', 'PING'),
  right('info', 'INFO server'),
  right('command', 'COMMAND INFO get'),
  right('slowlog|get', 'SLOWLOG GET 1'),
  right('cluster|info', 'CLUSTER INFO', 'CLUSTER INFO', { needs: 'cluster' }),
  right('cluster|shards', 'CLUSTER SHARDS', 'CLUSTER SHARDS', { needs: 'cluster' }),
  right('cluster|nodes', 'CLUSTER NODES', 'CLUSTER NODES', { needs: 'cluster' }),
  right('client|setname', 'CLIENT SETNAME cachescope'),
  right('client|info', 'CLIENT INFO'),
  right('client|id', 'CLIENT ID'),
  right('client|list', 'CLIENT LIST ID 1', 'CLIENT LIST ID 1'),
  right('monitor', 'MONITOR', null),
  right('hello', 'HELLO 3', 'HELLO'),
  right('subscribe', `SUBSCRIBE ${CHANNEL}`, null, { on: `&${CHANNEL}` }),
  right('memory|usage', `MEMORY USAGE ${PROBED_KEY}`, `MEMORY USAGE ${PROBED_KEY}`, { on: '%R~*' }),
  // For keys of other databases, and on a replica of a cluster.
  right('select', 'SELECT 0'),
  right('readonly', 'READONLY', 'READONLY', { needs: 'cluster' }),
  right('hotkeys', 'HOTKEYS GET', 'HOTKEYS GET', { needs: 'hotkeys' }),
  right('config|get', 'CONFIG GET hotkeys-*', 'CONFIG GET hotkeys-*', { needs: 'hotkeys' }),
  right('cluster|slot-stats', 'CLUSTER SLOT-STATS SLOTSRANGE 0 0', 'CLUSTER SLOT-STATS SLOTSRANGE 0 0', {
    needs: 'slot-stats',
  }),
  right('cluster|countkeysinslot', 'CLUSTER COUNTKEYSINSLOT 0', 'CLUSTER COUNTKEYSINSLOT 0', {
    needs: 'slot-stats',
  }),
  right('cluster|getkeysinslot', 'CLUSTER GETKEYSINSLOT 0 1', 'CLUSTER GETKEYSINSLOT 0 1', {
    needs: 'slot-stats',
  }),
  // Run, it would count as a miss.
  right('object|freq', `OBJECT FREQ ${PROBED_KEY}`, null, { needs: 'lfu', on: '%R~*' }),
  right('scan', 'SCAN 0', null, { needs: 'lfu' }),
]

/** @param reply of ACL DRYRUN: OK, or the sentence that refuses */
export function stateOfDryRun(reply: string): RightState {
  return reply === 'OK' ? 'allowed' : 'refused'
}

/** @param code the error's first word; null: it was answered */
export function stateOfAnswer(code: string | null, message: string): RightState {
  if (code === null) return 'allowed'
  if (code === 'NOPERM') return 'refused'
  if (/unknown (sub)?command|does not know|not found/i.test(message)) return 'absent'
  // Of another kind: the user may run it, and the server has its reasons.
  return 'allowed'
}

const partsOf = (version: string | null): number[] => (version ?? '').split('.').map(Number)

/** ACL came with Redis 6. */
export const hasUsers = (version: string | null): boolean => (partsOf(version)[0] ?? 0) >= 6

/** Selectors, which tie a command to keys of its own, came with 7. */
export const hasSelectors = (version: string | null): boolean => (partsOf(version)[0] ?? 0) >= 7

/** Without selectors its keys would be open to all other commands of the user. */
export const isOwnUserOnly = (name: string, version: string | null): boolean =>
  !hasSelectors(version) && RIGHTS.some((right) => right.name === name && right.on?.includes('~') === true)

/**
 * The line for what is refused, and nothing more; null when nothing is, or nothing that this user should be given.
 * Commands on keys and channels come in selectors of their own, and before Redis 7 commands on keys are left out: the
 * user's other commands reach no more keys than before.
 */
export function aclLine(user: string, refused: readonly string[], version: string | null): string | null {
  const rights = RIGHTS.filter(({ name }) => refused.includes(name) && !isOwnUserOnly(name, version))
  if (rights.length === 0) return null
  return ['ACL SETUSER', user, ...wordsOf(rights, hasSelectors(version))].join(' ')
}

/** All that Cachescope can use, for a user that has this alone: it can read no key, whatever it had before. */
export function wholeAclLine(version: string | null, isCluster: boolean): string {
  const [major = 0, minor = 0] = partsOf(version)
  const isNew = hasSelectors(version)
  const hasChannels = isNew || (major === 6 && minor >= 2)
  const wanted = RIGHTS.filter(({ name, needs }) => {
    if (!isNew && name === 'cluster|shards') return false
    return needs === undefined || (needs === 'cluster' && isCluster)
  })
  const cleared = [
    'resetkeys',
    ...(hasChannels ? ['resetchannels'] : []),
    ...(isNew ? ['clearselectors'] : []),
  ]
  const words = wordsOf(wanted, isNew)
  const opened = isNew ? [] : [...(hasChannels ? [`&${CHANNEL}`] : []), '~*']
  return ['ACL SETUSER cachescope on >PASSWORD', ...cleared, '-@all', ...words, ...opened].join(' ')
}

function wordsOf(rights: readonly Right[], inSelectors: boolean): string[] {
  const on = (right: Right) => (inSelectors ? (right.on ?? '') : '')
  const groups = Map.groupBy(rights, on)
  const names = (group: readonly Right[] = []) => group.map(({ name }) => `+${name}`)
  const selectors = [...groups].filter(([of]) => of !== '')
  return [...names(groups.get('')), ...selectors.map(([of, group]) => `(${names(group).join(' ')} ${of})`)]
}
