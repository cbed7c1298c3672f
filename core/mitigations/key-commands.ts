/** The commands of a key action as they are sent, in order; values are never shown. */
import { policyKey } from '../protocol/policy.ts'
import { type MitigationFacts, ownerShard } from './facts.ts'
import type { KeyPlan } from './key-plan.ts'
import type { Preview } from './model.ts'
import { primaryOf } from './predict.ts'
import { COPY_LIFE_MS } from './staleness.ts'

type Command = Preview['commands'][number]

const POLICY_LIFE_MS = 30_000
const EVERY_SECOND = ', every second'

export function listKeyCommands(facts: MitigationFacts, plan: KeyPlan): Command[] {
  const { key } = facts
  if (key === null) return []
  const owner = primaryOf(facts, ownerShard(facts)?.shardId ?? null) ?? 'the primary of the key'
  const label = quote(key.label)
  const look = ['TYPE', 'PTTL', 'MEMORY USAGE'].map((command) => ({
    node: owner,
    command: `${command} ${label}`,
  }))
  return [...look, ...carryOut(facts, plan, owner, label)]
}

function carryOut(facts: MitigationFacts, plan: KeyPlan, owner: string, label: string): Command[] {
  switch (plan.how) {
    case 'copies': {
      const copies = plan.variants.slice(1).map((variant) => ({
        node: primaryOf(facts, variant.shardId) ?? `shard ${variant.ordinal}`,
        name: quote(variant.key),
      }))
      const each = (when: string, command: (name: string) => string): Command[] =>
        copies.map(({ node, name }) => ({ node: `${node}${when}`, command: command(name) }))
      const read = (when: string): Command[] =>
        ['DUMP', 'PTTL'].map((command) => ({ node: `${owner}${when}`, command: `${command} ${label}` }))
      return [
        ...each('', (name) => `PTTL ${name}`),
        ...track(owner, label),
        ...read(''),
        ...each('', (name) => `RESTORE ${name} ${COPY_LIFE_MS} <value> REPLACE`),
        ...publish(facts),
        { node: `${owner}${EVERY_SECOND}`, command: 'PING' },
        ...read(`${EVERY_SECOND} and at each change`),
        ...each(EVERY_SECOND, (name) => `DUMP ${name}`),
        // One value has many DUMPs: an order of each server's own, an encoding by its settings and version.
        {
          node: `${owner} and the copy's, where their DUMPs differ`,
          command: 'GET, LRANGE, SMEMBERS, ZRANGE or HGETALL',
        },
        ...each(EVERY_SECOND, (name) => `PEXPIRE ${name} ${COPY_LIFE_MS}`),
        ...each(', at each change', (name) => `RESTORE ${name} ${COPY_LIFE_MS} <value> REPLACE`),
        ...(plan.writeFanout
          ? copies.map(({ name }) => ({ node: 'each writer, after its write', command: `UNLINK ${name}` }))
          : []),
        ...each(', the way back', (name) => `UNLINK ${name}`),
      ]
    }
    case 'replicas':
      return publish(facts)
    case 'local':
      return [
        ...publish(facts),
        ...(plan.parameters.track ? track(owner, label, 'each application process → ') : []),
      ]
  }
}

function track(owner: string, label: string, by = ''): Command[] {
  const node = `${by}${owner}`
  return [
    { node, command: 'CLIENT ID' },
    { node, command: `CLIENT TRACKING ON REDIRECT <own id> BCAST PREFIX ${label}` },
    { node, command: 'SUBSCRIBE __redis__:invalidate' },
  ]
}

/** Where the cache carries the policies: applications that ask over HTTP get the same document there. */
function publish(facts: MitigationFacts): Command[] {
  return facts.apps.map(({ app }) => ({
    node: 'the cache',
    command: `SET ${quote(policyKey(app))} <policy> PX ${POLICY_LIFE_MS}`,
  }))
}

/** As redis-cli would need it. */
function quote(label: string): string {
  return /^[^\s"'\\]+$/.test(label) ? label : `"${label.replaceAll('"', '\\"')}"`
}
