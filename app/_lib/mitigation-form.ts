/** The form of a mitigation: the request that it makes, what is typed to confirm it, and when it may be sent. Pure. */
import { standingRefusals } from '../../core/mitigations/eligibility.ts'
import {
  EXPIRES_IN_SECONDS,
  type MitigationAction,
  type MitigationDraft,
  type Preview,
} from '../../core/mitigations/model.ts'
import { parametersOf, type Values } from './mitigation-fields.ts'
import type { Choice, Subject } from './mitigation-subject.ts'
import { ACTION_TEXT } from './mitigation-text.ts'

/** What the form starts with: a subject, and the action and parameters of one that is asked for again. */
export type Opening = { subject: Subject; action?: MitigationAction; values?: Values }

export function draftOf(
  subject: Subject,
  choice: Choice,
  values: Values,
  expiresInSeconds: number,
): MitigationDraft {
  const { action, target } = choice
  return {
    cacheId: subject.cacheId,
    action,
    target,
    parameters: parametersOf(action, values),
    expiresInSeconds,
  }
}

/** What must be typed before a dangerous one can be asked for; empty while it is not filled in. */
export function nameToType(choice: Choice, values: Values): string {
  switch (choice.action) {
    case 'deny-user':
      return String(values.username ?? '').trim()
    case 'move-slot':
      return slotOf(values)
    case 'set-config':
      return String(values.name ?? '')
    case 'spread-ttls':
      return String(values.pattern ?? '').trim()
    default:
      return choice.label
  }
}

/** What the button that starts it says: the deed and whom it is done to. */
export function submitText(choice: Choice, values: Values): string {
  const { verb } = ACTION_TEXT[choice.action]
  switch (choice.action) {
    case 'move-slot':
      return `Move ${slotOf(values) || 'a slot'}`
    case 'deny-user':
      return `${verb} ${short(nameToType(choice, values)) || 'a user'}`
    case 'set-config':
      return `${verb} ${short(nameToType(choice, values))}`
    case 'spread-ttls':
      return `${verb} ${short(nameToType(choice, values)) || 'keys'}`
    default:
      return `${verb} ${short(choice.label) || '(empty name)'}`
  }
}

function slotOf(values: Values): string {
  const slot = String(values.slot ?? '').trim()
  return slot === '' ? '' : `slot ${slot}`
}

function short(label: string): string {
  return label.length <= 32 ? label : `${label.slice(0, 20)}…${label.slice(-11)}`
}

/** What a dry run says, by the preview that was answered: whether the request would be taken. */
export function dryRunText(answered: Pick<Preview, 'refusals'>, overrides: readonly string[]): string {
  const standing = standingRefusals(answered.refusals, overrides)
  return standing.length === 0
    ? 'Dry run: nothing was written. It would be accepted as it stands, and do what the preview says.'
    : `Dry run: nothing was written. It would be refused: ${standing.map(({ message }) => message).join(' ')}`
}

/** Whether the form may be sent: only what is shown as the preview of this very draft. */
export function maySend(looked: {
  preview: Preview | null
  pending: boolean
  problem: unknown
  refused: boolean
}): boolean {
  const { preview, pending, problem, refused } = looked
  return preview !== null && !pending && problem === null && !refused
}

/** What an extension is offered first: an hour from now, or the first that ends no earlier than it would by itself. */
export function extensionOf(expiresAt: number, now: number): number {
  const later = EXPIRIES.filter(({ seconds }) => now + seconds * 1_000 >= expiresAt)
  const usual = later.find(({ seconds }) => seconds >= EXPIRES_IN_SECONDS.default)
  return usual?.seconds ?? EXPIRES_IN_SECONDS.max
}

export const EXPIRIES: { seconds: number; label: string }[] = [
  { seconds: 600, label: '10 minutes' },
  { seconds: EXPIRES_IN_SECONDS.default, label: '1 hour' },
  { seconds: 14_400, label: '4 hours' },
  { seconds: 43_200, label: '12 hours' },
  { seconds: EXPIRES_IN_SECONDS.max, label: '24 hours' },
]
