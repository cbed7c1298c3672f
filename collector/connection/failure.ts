/** Why a node cannot be read: a state, and a sentence that says what is wrong and what to do next. */
import type { NodeState } from '../../core/model.ts'

export type Failure = { state: Exclude<NodeState, 'pending' | 'up'>; message: string }

/** Thrown by everything that talks to a node. Holds neither what was sent nor the driver's own error, which does. */
export class NodeFailure extends Error {
  override readonly name = 'NodeFailure'
  readonly state: Failure['state']
  /** The error reply's code (`NOPERM`) where the server answered with one. */
  readonly replyCode: string | null
  /** Where a cluster's node sends us for the slot: the address of a MOVED. */
  readonly movedTo: string | null

  constructor(failure: Failure, replyCode: string | null = null, movedTo: string | null = null) {
    super(failure.message)
    this.state = failure.state
    this.replyCode = replyCode
    this.movedTo = movedTo
  }
}

const SYSTEM: Record<string, (address: string) => Failure> = {
  ECONNREFUSED: (address) => ({
    state: 'refused',
    message: `Nothing listens at ${address}. Start the node, or correct its address.`,
  }),
  ETIMEDOUT: (address) => ({
    state: 'timeout',
    message: `${address} does not answer. It may hang, or a firewall drops what is sent to it.`,
  }),
  ENOTFOUND: (address) => ({
    state: 'unresolved',
    message: `The host of ${address} has no address. Check the name and the resolver.`,
  }),
  EHOSTUNREACH: (address) => ({
    state: 'unreachable',
    message: `There is no route to ${address}. Check the network between this machine and the node.`,
  }),
  ECONNRESET: (address) => ({
    state: 'unreachable',
    message: `${address} closed the connection. It may be stopping, or a proxy is in the way.`,
  }),
}
SYSTEM.EAI_AGAIN = SYSTEM.ENOTFOUND as (typeof SYSTEM)[string]
SYSTEM.ENETUNREACH = SYSTEM.EHOSTUNREACH as (typeof SYSTEM)[string]
SYSTEM.EPIPE = SYSTEM.ECONNRESET as (typeof SYSTEM)[string]

/** An error of the socket, by its code; null for one that is not of the network. */
export function failureOfSystemError(code: string | undefined, address: string): Failure | null {
  if (code === undefined) return null
  return SYSTEM[code]?.(address) ?? null
}

export const timeoutFailure = (address: string): Failure => ({
  state: 'timeout',
  message: `${address} accepts connections but does not answer. It may hang or be stopped.`,
})

/** An error reply, by its first word. `text` is the server's, and holds nothing that we sent. */
export function failureOfReply(text: string, address: string, hasPassword: boolean): Failure {
  if (/^NOAUTH/.test(text)) {
    const next = hasPassword
      ? 'The sign-in was lost; it is tried again.'
      : 'Set password: in cachescope.yaml.'
    return { state: 'auth-required', message: `${address} wants a password. ${next}` }
  }
  if (/^WRONGPASS|invalid password/i.test(text)) {
    return {
      state: 'auth-failed',
      message: `${address} refuses the user or password. Correct username: and password: in cachescope.yaml.`,
    }
  }
  if (/^ERR wrong number of arguments for 'auth'/i.test(text)) {
    return {
      state: 'auth-failed',
      message: `${address} is older than Redis 6 and knows no users. Leave username: out.`,
    }
  }
  if (/^NOPERM/.test(text)) {
    return {
      state: 'denied',
      message: `The user may not run INFO at ${address}. Give it the rights of docs/permissions.md.`,
    }
  }
  if (/^DENIED/.test(text)) {
    return {
      state: 'auth-required',
      message: `${address} runs in protected mode and only serves its own machine. Set a password there.`,
    }
  }
  if (/^LOADING/.test(text)) return { state: 'loading', message: `${address} is reading its data from disk.` }
  if (/^BUSY/.test(text)) {
    return { state: 'busy', message: `A script holds ${address}. SCRIPT KILL or FUNCTION KILL ends it.` }
  }
  const unknown = /unknown command [`'"]?([a-z]+)/i.exec(text)?.[1]
  if (unknown !== undefined) {
    return {
      state: 'denied',
      message: `${address} does not know ${unknown.toUpperCase()}: it was renamed or disabled there. Cachescope needs it under its own name.`,
    }
  }
  if (/max number of clients/i.test(text)) {
    return {
      state: 'error',
      message: `${address} has no room for another client. Raise maxclients, or find who holds them.`,
    }
  }
  return { state: 'error', message: `${address} answered with an error: ${text.slice(0, 120)}` }
}
