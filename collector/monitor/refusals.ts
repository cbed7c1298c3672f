/** Why a burst came to nothing, in one sentence: the reason, and what would lift it. Never the server's own text. */
import type { BurstEnd } from './burst.ts'

type Failure = Extract<BurstEnd, { kind: 'refused' | 'failed' }>

/** Refusals that a person has to lift are tried again seldom; the others soon. */
export type Refusal = { sentence: string; lasting: boolean }

export function describeFailure(failure: Failure, username: string | null): Refusal {
  return failure.kind === 'refused'
    ? describeRefused(failure.code, failure.toAuth, username ?? 'default')
    : { sentence: describeFailed(failure.code), lasting: false }
}

function describeRefused(code: string, toAuth: boolean, username: string): Refusal {
  switch (code) {
    case 'NOAUTH':
      return lasting('MONITOR wants a password: set username and password of this cache in cachescope.yaml.')
    case 'WRONGPASS':
      return lasting(
        `The node does not accept the password of user ${username}: correct it in cachescope.yaml.`,
      )
    case 'NOPERM':
      return lasting(`User ${username} may not use MONITOR: ACL SETUSER ${username} +monitor lifts this.`)
    case 'LOADING':
      return passing('The node is loading its data: hot keys are read once it is done.')
    case 'BUSY':
      return passing('A script holds the node: hot keys are read once it has ended (SCRIPT KILL ends it).')
    case 'MASTERDOWN':
      return passing('The link to its primary is down: hot keys are read again once the replica is in step.')
    case 'DENIED':
      return lasting('The node is in protected mode: set a password on it, or bind it to an address of ours.')
    case '?':
      return lasting('What answers here does not speak the Redis protocol: check host, port and tls.')
    case 'ERR':
      return toAuth
        ? lasting(
            'The node does not accept AUTH as configured: check username and password in cachescope.yaml.',
          )
        : lasting(
            'The node has no MONITOR (disabled, renamed or at its client limit): allow it to see hot keys.',
          )
    default:
      return lasting('The node refuses MONITOR: see its log and its ACL LOG for the reason.')
  }
}

function describeFailed(code: string): string {
  switch (code) {
    case 'timeout':
      return 'The node did not answer to MONITOR in time: hot keys are read again once it answers.'
    case 'ECONNREFUSED':
      return 'The node refuses connections: hot keys are read again once it listens.'
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return "The node's name has no address: hot keys are read again once it resolves."
    case 'closed':
    case 'ECONNRESET':
    case 'EPIPE':
      return 'The node closes the connection that MONITOR runs on: check its client limit, its output limits and the network.'
    default:
      return isTls(code)
        ? 'TLS with the node fails: check the tls section of this cache in cachescope.yaml.'
        : 'The node cannot be reached for MONITOR: hot keys are read again once it can.'
  }
}

function isTls(code: string): boolean {
  return code.startsWith('ERR_TLS') || code.startsWith('ERR_SSL') || /CERT|SIGNED|ISSUER/.test(code)
}

function lasting(sentence: string): Refusal {
  return { sentence, lasting: true }
}

function passing(sentence: string): Refusal {
  return { sentence, lasting: false }
}
