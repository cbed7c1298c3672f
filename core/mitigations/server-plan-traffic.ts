/** Plans of what is done to keys, clients and writers of running servers. */
import type { MitigationFacts } from './facts.ts'
import { lockWord, sensitiveWord } from './key-use.ts'
import type { MitigationDraft } from './model.ts'
import type { Parameters } from './parameters.ts'
import {
  ACL_LOG_LENGTH,
  commandText,
  killClient,
  killUser,
  listClient,
  PAUSE_RENEW_MS,
  PAUSE_SLICE_MS,
  pauseSlice,
  SCAN_COUNT,
  SCAN_KEYS_PER_SEC,
  scanKeys,
  unpause,
  userOff,
  userOn,
} from './server-commands.ts'
import {
  back,
  down,
  EVERY_CHECK,
  FOR_VERDICT,
  GONE,
  isRedisAtLeast,
  looks,
  looksBack,
  looksBefore,
  nodeOf,
  nodesOf,
  type Plan,
  primaryOfShard,
  refusal,
  shardOf,
  shown,
  UNTIL_OVER,
  unplanned,
  when,
} from './server-plans.ts'
import { list, percent, seconds, short } from './words.ts'

const EACH_PAGE = `for each ${SCAN_COUNT} keys`

export function planSpreadTtls(facts: MitigationFacts, { pattern, spread }: Parameters<'spread-ttls'>): Plan {
  const primaries = facts.shards.flatMap((shard) => primaryOfShard(shard) ?? [])
  if (primaries.length === 0) return unplanned(GONE)
  const keys = primaries.map((node) => node.keys)
  const most = keys.includes(null) ? null : Math.max(...keys.map((one) => one ?? 0))
  const expires = primaries.every((node) => node.expires === 0)
  return {
    summary: `Every key of ${pattern} that has a time to live gets a shorter one: up to ${percent(spread)} is cut, from each a share of its own, so that they expire apart.`,
    commands: primaries.flatMap((node) => [
      ...looksBefore(node.address, 'INFO'),
      ...looks('for each other database', node.address, 'SELECT <database>'),
      ...looks(
        EACH_PAGE,
        node.address,
        'INFO server',
        shown(scanKeys(node.address, '0', pattern)).command.replace('SCAN 0', 'SCAN <cursor, from 0 on>'),
        'TIME',
        'PTTL <each key>',
      ),
      {
        node: node.address,
        command: `PEXPIREAT <each key> <its earlier time>${isRedisAtLeast(node, 7, 0) ? ' XX LT' : ''}`,
      },
    ]),
    refusals: [
      ...(expires
        ? [refusal('no-ttl', 'No key of this cache has a time to live: there is nothing to spread.')]
        : []),
      ...primaries.filter((node) => node.state !== 'up').map(down),
    ],
    warnings: [
      warnOfSessions(pattern, spread),
      `It looks at every key: ${most === null ? 'as many as there are' : `${short(most)} on the largest primary`}, ${short(SCAN_KEYS_PER_SEC)} a second on each${most === null ? '' : `, so about ${seconds(Math.max(1, Math.round(most / SCAN_KEYS_PER_SEC)))}`}. Each key of the pattern costs two more commands, and PTTL counts as a hit.`,
      'Keys that come after it has passed are not touched, and neither are those that the application writes anew.',
    ],
    wayBack: 'It cannot be undone: what is cut from a time to live cannot be put back. Drained, it stops.',
    keepsLoads: true,
  }
}

function warnOfSessions(pattern: string, spread: number): string {
  const bytes = new TextEncoder().encode(pattern)
  const word = sensitiveWord(bytes) ?? lockWord(bytes)
  const what = `Sessions end and locks open up to ${percent(spread)} earlier`
  return word === null
    ? `${what} where the pattern takes them in.`
    : `${what}: “${word}” in the pattern says that it takes them in.`
}

export function planKillClient(
  facts: MitigationFacts,
  draft: MitigationDraft,
  { clientId }: Parameters<'kill-client'>,
): Plan {
  const node = nodeOf(facts, draft)
  if (node === null) return unplanned(GONE)
  const look = listClient(clientId)
  return {
    summary: `The connection of client ${clientId} to ${node.address} is closed.`,
    commands: [
      ...looksBefore(node.address, 'INFO', look, 'CLIENT ID'),
      shown(killClient(node.address, clientId)),
      ...looks('twice a second until it is closed', node.address, 'INFO', look),
      ...looks(FOR_VERDICT, node.address, 'CLIENT LIST', 'INFO'),
    ],
    refusals: node.state === 'up' ? [] : [down(node)],
    warnings: [
      'Its application sees an error in what is under way, and most connect again at once: it interrupts, it does not stop.',
      'It is refused when the client turns out to be a replica, its primary, or Cachescope itself.',
    ],
    wayBack: 'It cannot be undone, and need not be: the client opens another connection.',
    keepsLoads: false,
  }
}

export function planDenyUser(facts: MitigationFacts, { username }: Parameters<'deny-user'>): Plan {
  const nodes = nodesOf(facts)
  if (nodes.length === 0) return unplanned(GONE)
  const look = commandText(['ACL', 'GETUSER', username])
  const log = `ACL LOG ${ACL_LOG_LENGTH}`
  return {
    summary: `The user ${username} is switched off on ${list(nodes.map((node) => node.address))}, and its connections are closed.`,
    commands: [
      ...nodes.flatMap(({ address, role }) =>
        looksBefore(
          address,
          ...(role === 'replica' ? ['CONFIG GET masteruser'] : []),
          ...['CLIENT LIST', log, 'INFO', look],
        ),
      ),
      ...nodes.flatMap(({ address }) => [
        ...looks('before and after it is switched off', address, look),
        shown(userOff(address, username)),
        shown(killUser(address, username)),
      ]),
      ...nodes.flatMap(({ address }) => [
        ...looks(EVERY_CHECK, address, 'INFO', look),
        ...looks(FOR_VERDICT, address, 'CLIENT LIST', log),
      ]),
      ...nodes.flatMap(({ address }) => [...looksBack(address, look), back(userOn(address, username))]),
    ],
    refusals: nodes.filter((node) => node.state !== 'up').map(down),
    warnings: [
      `Every application that signs in as ${username} is refused until it is over.`,
      'It is refused when that is whom Cachescope, the replicas or the Sentinels sign in as, or where a node does not tell whom they sign in as.',
      'It is not saved to the ACL file: a node that restarts has the user on, and gets it switched off again within ten seconds. Where a person switches it on, it stays on.',
    ],
    wayBack: `Drained or expired, ${username} is switched on again on each node where it was on. Its passwords and rights are not touched.`,
    keepsLoads: false,
  }
}

export function planPauseWrites(
  facts: MitigationFacts,
  draft: MitigationDraft,
  { pauseSeconds }: Parameters<'pause-writes'>,
): Plan {
  const shard = shardOf(facts, draft)
  const node = shard === null ? nodeOf(facts, draft) : primaryOfShard(shard)
  if (node === null) return unplanned(GONE)
  if (node.role === 'replica') {
    return unplanned(
      refusal('replica', `${node.address} is a replica: clients do not write there. Pause its primary.`),
    )
  }
  const isSentinel = facts.cache.kind === 'sentinel'
  return {
    summary: `Writing commands to ${node.address} wait for ${seconds(pauseSeconds)}; reads go on.`,
    commands: [
      ...looksBefore(node.address, 'INFO'),
      ...(isSentinel ? looksBefore('a Sentinel', 'SENTINEL MASTERS') : []),
      shown(pauseSlice(node.address, pauseSeconds * 1_000)),
      ...looks(UNTIL_OVER, node.address, 'INFO'),
      ...(pauseSeconds * 1_000 > PAUSE_RENEW_MS
        ? [
            when(`every ${seconds(PAUSE_RENEW_MS / 1_000)}`, {
              node: node.address,
              command: `CLIENT PAUSE <what is left, at most ${PAUSE_SLICE_MS}> WRITE`,
            }),
          ]
        : []),
      when('when it is over, or drained', shown(unpause(node.address))),
      ...looks(FOR_VERDICT, node.address, 'INFO'),
    ],
    refusals: [
      ...(node.state === 'up' ? [] : [down(node)]),
      ...(isRedisAtLeast(node, 6, 2)
        ? []
        : [refusal('too-old', `${node.address} is older than Redis 6.2 and can only pause reads as well.`)]),
    ],
    warnings: [
      `Clients that write wait, and time out if theirs is shorter than ${seconds(pauseSeconds)}. Scripts, PUBLISH and whatever expires or is evicted wait as well.`,
      'So do the writes of Cachescope: policies are not published there, and copies not renewed, so that readers with a mitigated key fall back to the key itself.',
      ...(isSentinel
        ? [
            'The Sentinels hear nothing from it meanwhile: it is refused when that is longer than they wait before they replace it (down-after-milliseconds).',
          ]
        : []),
      `It is given in slices of ${seconds(PAUSE_SLICE_MS / 1_000)} that are renewed: should the collector die, writes go on by themselves.`,
    ],
    wayBack: 'Drained, or when its time is over, CLIENT UNPAUSE lets all that waits go on.',
    keepsLoads: true,
  }
}
