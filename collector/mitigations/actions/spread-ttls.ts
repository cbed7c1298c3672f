/**
 * Lets keys of a pattern that would expire together expire apart: each time to live is cut by a share of its own, never
 * lengthened, and keys without one are left alone. What is cut cannot be put back.
 */
import { z } from 'zod'
import { isOwnName } from '../../../core/mitigations/key-use.ts'
import type { Parameters } from '../../../core/mitigations/parameters.ts'
import {
  commandText,
  SCAN_COUNT,
  SCAN_KEYS_PER_SEC,
  scanKeys,
} from '../../../core/mitigations/server-commands.ts'
import { earlierExpiry, hashKey } from '../../../core/mitigations/ttl-jitter.ts'
import type { NodeAddress } from '../../../core/sample.ts'
import { infoSource } from '../../sources/info.ts'
import type { Action, ActionContext, Outcome } from '../action.ts'
import {
  fail,
  isAtLeast,
  primaryAddress,
  readInfo,
  refuse,
  savedState,
  send,
  sendBuffer,
  serverAction,
} from './server-action.ts'

const Part = z.object({
  address: z.string(),
  runId: z.string().nullable(),
  db: z.number(),
  /** PEXPIREAT … XX LT, from Redis 7 on: never later than it is, and none that has no time, whatever happens meanwhile. */
  hasLt: z.boolean(),
  keys: z.number(),
  cursor: z.string(),
  isDone: z.boolean(),
})
const State = z.object({
  parts: z.array(Part),
  /** `part hash → expiry` of a page that was begun; of those that it did not show again, until a later one does. */
  planned: z.record(z.string(), z.number()),
  scanned: z.number(),
  matched: z.number(),
  cut: z.number(),
  commands: z.number(),
  pagedAt: z.number(),
})
type State = z.infer<typeof State>
type Part = z.infer<typeof Part>

/** Between two pages of one primary. */
const PAGE_MS = (1_000 * SCAN_COUNT) / SCAN_KEYS_PER_SEC

/**
 * Keys that are remembered as cut: SCAN shows some again while a table shrinks, those that it has shown not long before.
 * Not saved: it would be written with every page.
 */
const MAX_REMEMBERED = 100_000
/** `part hash`, the newest last. */
type Remembered = Set<string>

export function spreadTtls(): Action {
  const cutBy = new Map<number, Remembered>()
  const goOn = (context: ActionContext) => {
    const { mitigationId } = context.mitigation
    const cut = cutBy.get(mitigationId) ?? new Set()
    cutBy.set(mitigationId, cut)
    return activate(context, cut)
  }
  return {
    ...serverAction({ prepare, activate: goOn, watch: goOn, drain }),
    async stop(mitigationId) {
      cutBy.delete(mitigationId)
    },
  }
}

async function drain({ mitigation }: ActionContext): Promise<Outcome> {
  // Why it failed, and how much it had done, is said already.
  if (mitigation.outcome === 'failed') return { kind: 'done' }
  return { kind: 'done', message: 'Keys that were cut stay so; no more are.' }
}

const parametersOf = (context: ActionContext) => context.mitigation.parameters as Parameters<'spread-ttls'>

async function prepare(context: ActionContext): Promise<Outcome> {
  const parts: Part[] = []
  for (const shard of context.topology.shards) {
    // A primary of a cluster that owns no slot has no key.
    if (shard.slots !== null && shard.slots.length === 0) continue
    const address = primaryAddress(shard)
    const info = await readInfo(context, address)
    for (const { db, keys, expires } of info.keyspaces) {
      if (expires === 0) continue
      const hasLt = isAtLeast(info, 7, 0)
      parts.push({ address, runId: info.runId, db, hasLt, keys, cursor: '0', isDone: false })
    }
  }
  if (parts.length === 0) refuse('No key of this cache has a time to live: there is nothing to spread.')
  await context.saveState({
    ...{ parts, planned: {}, scanned: 0, matched: 0, cut: 0, commands: 0, pagedAt: 0 },
  })
  return {
    kind: 'done',
    message: `${parts.reduce((sum, part) => sum + part.keys, 0)} keys are to be looked at.`,
  }
}

async function activate(context: ActionContext, cut: Remembered): Promise<Outcome> {
  let state = savedState(context, State) ?? fail('It was not prepared.')
  // One page of each primary at a time: none waits for another, and no node does more than it may.
  if (context.now() - state.pagedAt >= PAGE_MS) {
    for (const [index, part] of state.parts.entries()) {
      if (
        part.isDone ||
        state.parts.findIndex((one) => one.address === part.address && !one.isDone) !== index
      )
        continue
      state = await doPage(context, state, index, cut)
    }
    state = { ...state, pagedAt: context.now() }
    await context.saveState(state)
  }
  const total = state.parts.reduce((sum, part) => sum + part.keys, 0)
  const told = tell(context, state)
  if (state.parts.every((part) => part.isDone)) return { kind: 'finished', message: told }
  return {
    kind: 'wait',
    message: told,
    progress: { done: Math.min(state.scanned, total), total, unit: 'keys' },
  }
}

const tell = (context: ActionContext, { cut, matched, scanned, commands }: State): string =>
  `${cut} of ${matched} keys of ${parametersOf(context).pattern} expire earlier now; ${scanned} were looked at, by ${commands} commands.`

/** The first page of a database is a step; those that follow are written to the state, each before it is done. */
async function doPage(context: ActionContext, state: State, index: number, cut: Remembered): Promise<State> {
  const part = state.parts[index] ?? fail('It was not prepared.')
  const { runId } = infoSource.parse(String(await send(context, part.address, 'INFO', 'server')))
  if (runId !== part.runId) {
    fail(
      `${part.address} was restarted: where it was in its keys is not known any more. ${tell(context, state)}`,
    )
  }
  const scan = scanKeys(part.address, part.cursor, parametersOf(context).pattern)
  const change = part.hasLt ? 'PEXPIREAT … XX LT' : 'PEXPIREAT …'
  const name = part.db === 0 ? part.address : `${part.address} database ${part.db}`
  const command = `${commandText(scan.words)}, then PTTL and ${change} of what it finds`
  const page = () => cutPage(context, state, index, part, scan.words, cut)
  return (await context.step({ name, node: part.address, command }, page)) ?? (await page())
}

async function cutPage(
  context: ActionContext,
  state: State,
  index: number,
  part: Part,
  words: readonly string[],
  cut: Remembered,
): Promise<State> {
  const { spread } = parametersOf(context)
  const hashOf = (key: Buffer) => hashKey(context.mitigation.mitigationId, key)
  const inDb = (command: string, ...args: (string | number | Buffer)[]) =>
    sendBuffer(context, part.address, part.db, command, ...args)
  const [scanName = '', ...scanArgs] = words
  const reply = await inDb(scanName, ...scanArgs)
  if (!Array.isArray(reply) || !Array.isArray(reply[1]))
    return fail(`${part.address} does not answer SCAN as it should.`)
  // Heartbeats, policies and copies live for as long as their readers count on.
  const found = reply[1].filter((key) => Buffer.isBuffer(key)).filter((key) => !isOwnName(key))
  const keys = found.filter((key) => !cut.has(`${index} ${hashOf(key)}`))
  const cursor = String(reply[0])
  const now = await serverTime(context, part.address)
  const ttls = await Promise.all(keys.map((key) => inDb('PTTL', key)))
  const planned: Record<string, number> = {}
  const changes: { key: Buffer; at: number }[] = []
  for (const [at, key] of keys.entries()) {
    const ttl = Number(ttls[at])
    if (!(ttl > 0)) continue
    const hash = hashOf(key)
    const before = state.planned[`${index} ${hash}`]
    // Before a kill it was cut to that. A page that is done again may show other keys: the table has grown.
    const isCut = before !== undefined && now + ttl <= before
    const expiry = isCut ? before : earlierExpiry(now, ttl, spread, hash)
    planned[`${index} ${hash}`] = expiry
    if (expiry < now + ttl) changes.push({ key, at: expiry })
  }
  await context.saveState({ ...state, planned: { ...state.planned, ...planned } })
  const limit = part.hasLt ? ['XX', 'LT'] : []
  await Promise.all(changes.map(({ key, at }) => inDb('PEXPIREAT', key, at, ...limit)))
  const scanned = Math.min(part.keys, SCAN_COUNT)
  const next: State = {
    ...state,
    parts: state.parts.map((one, at) => (at === index ? { ...one, cursor, isDone: cursor === '0' } : one)),
    planned: Object.fromEntries(Object.entries(state.planned).filter(([name]) => !(name in planned))),
    scanned: state.scanned + scanned,
    matched: state.matched + keys.length,
    // Of a page that is done again, those that were cut before count as well.
    cut: state.cut + Object.keys(planned).length,
    commands: state.commands + 3 + keys.length + changes.length,
  }
  await context.saveState(next)
  remember(cut, Object.keys(planned))
  return next
}

function remember(cut: Remembered, names: string[]): void {
  for (const name of names) cut.add(name)
  for (const name of cut) {
    if (cut.size <= MAX_REMEMBERED) return
    cut.delete(name)
  }
}

/** Milliseconds, by the server's clock: what PEXPIREAT goes by. */
async function serverTime(context: ActionContext, address: NodeAddress): Promise<number> {
  const reply = await send(context, address, 'TIME')
  const [seconds, micros] = Array.isArray(reply) ? reply.map(Number) : []
  if (seconds === undefined || micros === undefined) return fail(`${address} does not tell its time.`)
  return seconds * 1_000 + Math.floor(micros / 1_000)
}
