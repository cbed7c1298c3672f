/** Reads of one Redis what doctor judges by. Nothing that is sent costs the node more than a reading does; MONITOR is not sent. */
import { NodeFailure } from '../../connection/failure.ts'
import { type Credentials, NodeConnection, type NodePlace } from '../../connection/node-connection.ts'
import { FactsOfNode } from '../../hot-keys/node-facts.ts'
import type { NodeFacts } from '../../hot-keys/source-types.ts'
import { type NodeReading, shapeReading } from '../../reading.ts'
import { type InfoReading, infoSource, numberField } from '../../sources/info.ts'
import { failureSentence } from '../look-failure.ts'
import { type Need, RIGHTS, type Right, type RightState, stateOfAnswer, stateOfDryRun } from './rights.ts'

export type Exam = {
  address: string
  /** Why nothing could be read: all else is unknown then. */
  failure: string | null
  usesTls: boolean
  user: string
  pingMs: number | null
  info: InfoReading | null
  facts: NodeFacts | null
  /** By the right's name. */
  rights: ReadonlyMap<string, RightState>
  /** Whether ACL DRYRUN told; else what is harmless was tried. */
  isDryRun: boolean
  /** Other connections in MONITOR, `address (name)`; null: not known, and why. */
  monitors: string[] | null
  monitorsUnknown: string | null
  /** Hard limit of the output buffer of subscribers; 0 is none, null is unknown. */
  pubsubLimitBytes: number | null
  /** HOTKEYS, CLUSTER SLOT-STATS: null is unknown. */
  hasHotkeys: boolean | null
  hasSlotStats: boolean | null
  sent: ReadonlyMap<string, number>
}

/** Between two readings of INFO: long enough for a rate. */
const BETWEEN_MS = 700
/** CLIENT LIST is as long as there are clients: above, it is not asked. */
const MAX_LISTED_CLIENTS = 1_000

export async function examine(place: NodePlace, credentials: Credentials): Promise<Exam> {
  const node = new NodeConnection(place, credentials)
  const exam: Exam = {
    ...{ address: place.address, failure: null, usesTls: credentials.tls !== null, pingMs: null },
    ...{ user: credentials.username ?? 'default', info: null, facts: null, rights: new Map() },
    ...{ isDryRun: false, monitors: null, monitorsUnknown: null, pubsubLimitBytes: null },
    ...{ hasHotkeys: null, hasSlotStats: null, sent: node.sent },
  }
  try {
    await node.open()
    return { ...exam, ...(await readAll(node, exam)) }
  } catch (error) {
    if (!(error instanceof NodeFailure)) throw error
    return { ...exam, failure: failureSentence(error, place.address, credentials.username) }
  } finally {
    node.close()
  }
}

async function readAll(node: NodeConnection, exam: Exam): Promise<Partial<Exam>> {
  const before = await readOnce(node)
  const user = textOf(await attempt(node, 'ACL', 'WHOAMI')) ?? exam.user
  const clients = numberField(before.info, 'connected_clients') ?? 0
  const { monitors, monitorsUnknown } = await readMonitors(node, clients)
  const pubsubLimitBytes = parsePubsubLimit(
    await attempt(node, 'CONFIG', 'GET', 'client-output-buffer-limit'),
  )
  const hasHotkeys = knows(await attempt(node, 'COMMAND', 'INFO', 'hotkeys'))
  const isCluster = before.info.fields.get('cluster_enabled') === '1'
  const hasSlotStats = isCluster ? knows(await attempt(node, 'COMMAND', 'INFO', 'cluster|slot-stats')) : false
  const isLfu = (before.info.fields.get('maxmemory_policy') ?? '').includes('lfu')
  const needs = {
    cluster: isCluster,
    lfu: isLfu,
    hotkeys: hasHotkeys === true,
    'slot-stats': hasSlotStats === true,
  }
  const { rights, isDryRun } = await readRights(node, user, before.info, needs)
  const startedAt = performance.now()
  const ping = await attempt(node, 'PING')
  const pingMs = ping.code === null ? performance.now() - startedAt : null
  await new Promise((resolve) =>
    setTimeout(resolve, Math.max(0, before.monotonicMs + BETWEEN_MS - performance.now())),
  )
  const reading = await readOnce(node)
  const shaped = shapeReading(before, reading)
  const facts = new FactsOfNode({ place: node.place, connection: node, state: 'up', reading, shaped }, {})
  return {
    ...{ user, rights, isDryRun, monitors, monitorsUnknown, pubsubLimitBytes },
    ...{ hasHotkeys, hasSlotStats, pingMs, info: reading.info, facts: facts.read() },
  }
}

async function readOnce(node: NodeConnection): Promise<NodeReading> {
  const own = {
    ...{ ...node.cost, byCommand: new Map(node.sent), hits: 0, misses: 0 },
    ...{ watchingCommands: 0, watchingBytes: 0, watchingCpuUs: 0 },
  }
  const reply = infoSource.read(node)
  const [at, monotonicMs] = [Date.now(), performance.now()]
  return {
    at,
    monotonicMs,
    pingMs: null,
    info: infoSource.parse(await reply),
    cluster: null,
    table: null,
    own,
  }
}

async function readRights(
  node: NodeConnection,
  user: string,
  info: InfoReading,
  needed: Readonly<Record<Need, boolean>>,
): Promise<{ rights: Map<string, RightState>; isDryRun: boolean }> {
  const asked = RIGHTS.filter(({ needs }) => needs === undefined || needed[needs])
  const first = await attempt(node, 'ACL', 'DRYRUN', user, 'PING')
  const isDryRun = first.code === null
  const rights = new Map<string, RightState>()
  for (const each of asked) {
    rights.set(each.name, isDryRun ? await dryRun(node, user, each) : await tryDirectly(node, each, info))
  }
  return { rights, isDryRun }
}

async function dryRun(node: NodeConnection, user: string, { dryRun: words }: Right): Promise<RightState> {
  const answer = await attempt(node, 'ACL', 'DRYRUN', user, ...words)
  if (answer.code !== null) return /not found/i.test(answer.message) ? 'absent' : 'unknown'
  return stateOfDryRun(String(answer.value))
}

async function tryDirectly(
  node: NodeConnection,
  { direct, name }: Right,
  info: InfoReading,
): Promise<RightState> {
  if (direct !== null) {
    const [command = '', ...args] = direct
    const { code, message } = await attempt(node, command, ...args)
    return stateOfAnswer(code, message)
  }
  // Before Redis 6 there are no users: who is signed in may do everything that the server has.
  if (Number((info.version ?? '').split('.')[0]) >= 6) return 'unknown'
  return name === 'monitor' ? 'allowed' : 'unknown'
}

async function readMonitors(
  node: NodeConnection,
  clients: number,
): Promise<Pick<Exam, 'monitors' | 'monitorsUnknown'>> {
  if (clients > MAX_LISTED_CLIENTS) {
    const why = `it has ${clients} clients, and CLIENT LIST of them all would cost it time`
    return { monitors: null, monitorsUnknown: why }
  }
  const { value, code } = await attempt(node, 'CLIENT', 'LIST')
  if (code !== null) return { monitors: null, monitorsUnknown: 'the user may not run CLIENT LIST' }
  return { monitors: parseMonitors(String(value)), monitorsUnknown: null }
}

/** @param text CLIENT LIST; `flags=O` is a client in MONITOR */
export function parseMonitors(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    if (!/ flags=\S*O/.test(line)) return []
    const address = / addr=(\S+)/.exec(line)?.[1] ?? 'unknown address'
    const name = / name=(\S+)/.exec(line)?.[1]
    return [name === undefined ? address : `${address} (${name})`]
  })
}

/** @returns the hard limit of `pubsub`; null where the reply does not tell */
export function parsePubsubLimit({ value, code }: Answer): number | null {
  if (code !== null || !Array.isArray(value)) return null
  const limit = /pubsub (\d+)/.exec(String(value[1]))?.[1]
  return limit === undefined ? null : Number(limit)
}

type Answer = { value: unknown; code: string | null; message: string }

/** A refusal is an answer. @throws NodeFailure when the connection fails */
async function attempt(node: NodeConnection, command: string, ...args: string[]): Promise<Answer> {
  try {
    return { value: await node.call(command, ...args), code: null, message: '' }
  } catch (error) {
    if (!(error instanceof NodeFailure) || error.replyCode === null) throw error
    return { value: null, code: error.replyCode, message: error.message }
  }
}

function knows({ value, code }: Answer): boolean | null {
  if (code !== null || !Array.isArray(value)) return null
  return value[0] !== null && value[0] !== undefined
}

const textOf = ({ value, code }: Answer): string | null => (code === null ? String(value) : null)
