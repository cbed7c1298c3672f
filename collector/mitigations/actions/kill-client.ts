/** Closes one client's connection. Its application connects again: what it does is not stopped, only interrupted. */
import { z } from 'zod'
import { type Observed, ObservedClient } from '../../../core/mitigations/observed.ts'
import type { Parameters } from '../../../core/mitigations/parameters.ts'
import { killClient as killCommand } from '../../../core/mitigations/server-commands.ts'
import { NodeFailure } from '../../connection/failure.ts'
import type { Action, ActionContext, Outcome } from '../action.ts'
import { type ClientLine, numberOf, opsPerSecOf, outputBytesOf, parseClientList } from './client-list.ts'
import {
  fail,
  readInfo,
  refuse,
  savedState,
  send,
  sendStep,
  serverAction,
  targetNode,
} from './server-action.ts'

const State = z.object({
  address: z.string(),
  runId: z.string().nullable(),
  client: z.string(),
  identity: z.string(),
  /** Ids only grow: those that are higher came after it was looked at. */
  newestId: z.number(),
  before: ObservedClient,
})

export function killClient(): Action {
  return serverAction({
    prepare,
    activate,
    watch: activate,
    drain: async () => ({
      kind: 'done',
      message: 'A closed connection stays closed; its client opens another.',
    }),
    observe,
  })
}

async function prepare(context: ActionContext): Promise<Outcome> {
  const { target } = context.mitigation
  const { address } =
    target.kind === 'node' ? targetNode(context, target.nodeId) : refuse('It is aimed at a node.')
  const { clientId } = context.mitigation.parameters as Parameters<'kill-client'>
  const info = await readInfo(context, address)
  const client = await findClient(context, address, clientId)
  if (client === null) return refuse(`${address} has no client ${clientId}: it has left by itself.`)
  const own = Number(await send(context, address, 'CLIENT', 'ID'))
  const problem = problemOf(context, client, own === clientId)
  if (problem !== null) refuse(problem)
  const state: z.infer<typeof State> = {
    ...{ address, runId: info.runId, client: client.get('addr') ?? '' },
    ...{ identity: identityOf(client), newestId: Math.max(own, clientId) },
    before: {
      ...{ isConnected: true, newer: 0 },
      ...{ opsPerSec: opsPerSecOf([client]), outputBytes: outputBytesOf([client]) },
    },
  }
  await context.saveState(state)
  return { kind: 'done', message: `Client ${clientId} is ${client.get('addr')}.` }
}

async function activate(context: ActionContext): Promise<Outcome> {
  const { address, runId, client } = savedState(context, State) ?? fail('It was not prepared.')
  const { clientId } = context.mitigation.parameters as Parameters<'kill-client'>
  // Ids begin anew with the server: the same one would be somebody else.
  const info = await readInfo(context, address)
  if (info.runId !== runId)
    return { kind: 'finished', message: `${address} was restarted: the client is gone.` }
  await sendStep(context, 'kill', killCommand(address, clientId), (error) =>
    /No such client/i.test(error.message),
  )
  if ((await findClient(context, address, clientId)) === null) {
    return { kind: 'finished', message: `${client} was disconnected from ${address}.` }
  }
  return {
    kind: 'wait',
    message: `${address} still has the client: it is closed once its last reply is written.`,
  }
}

/** null where it is not there. */
async function findClient(
  context: ActionContext,
  address: string,
  clientId: number,
): Promise<ClientLine | null> {
  const text = await send(context, address, 'CLIENT', 'LIST', 'ID', clientId).catch((error: unknown) => {
    // Before Redis 6.2 there is the whole list only.
    if (!(error instanceof NodeFailure) || !/syntax/i.test(error.message)) throw error
    return send(context, address, 'CLIENT', 'LIST')
  })
  return parseClientList(String(text)).find((client) => numberOf(client, 'id') === clientId) ?? null
}

/** One list of all connections for each window after: whoever came back has another id and another port. */
async function observe(context: ActionContext, when: 'before' | 'after'): Promise<Observed | null> {
  const state = savedState(context, State)
  if (state === null) return null
  if (when === 'before') return { client: state.before }
  const { clientId } = context.mitigation.parameters as Parameters<'kill-client'>
  const all = parseClientList(String(await send(context, state.address, 'CLIENT', 'LIST')))
  // Ids begin anew with the server: nobody can tell who of these came back.
  if ((await readInfo(context, state.address)).runId !== state.runId) return null
  const newer = all.filter(
    (client) => (numberOf(client, 'id') ?? 0) > state.newestId && identityOf(client) === state.identity,
  )
  return {
    client: {
      isConnected: all.some(
        (client) => numberOf(client, 'id') === clientId && client.get('addr') === state.client,
      ),
      newer: newer.length,
      opsPerSec: opsPerSecOf(newer),
      outputBytes: outputBytesOf(newer),
    },
  }
}

/** What a connection keeps when its application opens it again. */
function identityOf(client: ClientLine): string {
  const host = client.get('addr')?.replace(/:\d+$/, '')
  return JSON.stringify([host, ...['name', 'user', 'lib-name'].map((name) => client.get(name) ?? '')])
}

function problemOf(context: ActionContext, client: ClientLine, isOwn: boolean): string | null {
  const flags = client.get('flags') ?? ''
  if (isOwn || client.get('name')?.startsWith('cachescope')) {
    return 'That is a connection of Cachescope itself: it would only open another.'
  }
  if (flags.includes('S') || flags.includes('M')) {
    return 'That is the link between a primary and its replica. Killing it would only make the replica copy again.'
  }
  const { username, mitigations } = context.cache
  const users = [username, mitigations.username].filter((user) => user !== null && user !== 'default')
  const user = client.get('user')
  return user !== undefined && users.includes(user)
    ? `That client is signed in as ${user}, the user of Cachescope. Give Cachescope a user of its own.`
    : null
}
