/** Why a look came to nothing, in sentences for the person at the terminal. */
import type { NodeFailure } from '../connection/failure.ts'

/** `input`: the command line is wrong; `unreachable`: nobody answers, signs us in or permits what is needed. */
export type LookFailureKind = 'input' | 'unreachable'

export class LookFailure extends Error {
  override readonly name = 'LookFailure'
  readonly kind: LookFailureKind

  constructor(kind: LookFailureKind, message: string) {
    super(message)
    this.kind = kind
  }
}

/** The sentence of a failure, with what to do about it on a command line instead of in cachescope.yaml. */
export function failureSentence(failure: NodeFailure, address: string, username: string | null): string {
  const { state, message } = failure
  if (state === 'auth-required' && !message.includes('protected mode')) {
    return `${address} wants a password. Set CACHESCOPE_PASSWORD, or pipe it in with --password-stdin.`
  }
  if (state === 'auth-failed' && message.includes('older than Redis 6')) return message
  if (state === 'auth-failed') {
    const who = username !== null ? 'the user of the URL, or its password' : 'the password'
    return `${address} refuses ${who}. Correct the URL, CACHESCOPE_PASSWORD or what --password-stdin reads.`
  }
  if (state === 'denied' && message.includes('INFO')) {
    const user = username ?? 'default'
    return `User ${user} may sign in at ${address}, but not run INFO: ACL SETUSER ${user} +info +ping lifts this, and \`cachescope doctor\` says the rest.`
  }
  return onCommandLine(message)
}

/** Sentences that were written for the dashboard name settings of cachescope.yaml: here they are flags. */
export function onCommandLine(sentence: string): string {
  return sentence
    .replace(
      'Set tls.ca or tls.servername in cachescope.yaml.',
      'Give its authority with --ca, or --insecure.',
    )
    .replace('check the tls section of this cache in cachescope.yaml', 'check --ca and rediss://')
    .replace(' (a larger hotKeys.budget shortens this)', ' (a larger --budget shortens this)')
    .replace(/ \(hotKeys\.maxLatency raises the bound\)/, ' (--max-latency raises the bound)')
    .replace('set username and password of this cache in cachescope.yaml', 'give user and password')
    .replace(/ (in|of) cachescope\.yaml/g, '')
}
