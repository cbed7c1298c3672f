'use client'

import { notifications } from '@mantine/notifications'
import { useRouter } from 'next/navigation'
import { useState } from 'react'
import { ENDING_ACTIONS, type Mitigation } from '../../../core/mitigations/model.ts'
import { closedText, drainText } from '../../_lib/mitigation-end.ts'
import { extensionOf } from '../../_lib/mitigation-form.ts'
import { drainMitigation, extendMitigation } from '../../_lib/mitigation-requests.ts'
import { expiryLabel, mitigationName, PHASE_TEXT } from '../../_lib/mitigation-text.ts'
import { Time, Until, useNow } from '../clock.tsx'
import { Notice } from '../notice.tsx'
import { Dialog } from './dialog.tsx'
import classes from './dialog-form.module.css'
import { Fact, Facts } from './facts.tsx'
import { type FormProblem, fieldErrors, ProblemText } from './form-problem.tsx'
import { PersonFields } from './person-fields.tsx'
import { usePerson } from './use-person.ts'

export type ChangeKind = 'extend' | 'drain'

/** Says what will happen, asks who and why, and shows what the server said. */
export function ChangeDialog({
  kind,
  mitigation,
  onClose,
}: {
  /** null: closed; it stays in the page, and gives the focus back to the button that opened it. */
  kind: ChangeKind | null
  mitigation: Mitigation
  onClose: () => void
}) {
  return (
    <Dialog
      opened={kind !== null}
      title={kind === 'drain' ? drainText(mitigation).title : 'Let it end at another time'}
      size={620}
      onClose={onClose}
    >
      {kind !== null && <ChangeForm kind={kind} mitigation={mitigation} onClose={onClose} />}
    </Dialog>
  )
}

function ChangeForm({
  kind,
  mitigation,
  onClose,
}: {
  kind: ChangeKind
  mitigation: Mitigation
  onClose: () => void
}) {
  const router = useRouter()
  const person = usePerson()
  const [reason, setReason] = useState('')
  const now = useNow()
  const endsAt = Date.parse(mitigation.expiresAt)
  const [expiresInSeconds, setExpiry] = useState(() => extensionOf(endsAt, now))
  const [problem, setProblem] = useState<FormProblem | null>(null)
  const [sending, setSending] = useState(false)
  const { mitigationId, preview } = mitigation
  const willEndAt = now + expiresInSeconds * 1_000
  const shortens = willEndAt < endsAt
  const { actor } = person
  // What was said is of what was filled in before.
  const edited =
    <T,>(set: (value: T) => void) =>
    (value: T) => {
      set(value)
      setProblem(null)
    }
  const ends = ENDING_ACTIONS.has(mitigation.action)
  const drain = drainText(mitigation)
  const closed = closedText(kind, mitigation)

  const send = async () => {
    if (closed !== null) return
    const missing = actor.trim() === '' ? 'actor' : reason.trim() === '' ? 'reason' : null
    if (missing !== null) {
      const message = missing === 'actor' ? 'Say who you are.' : 'Say why.'
      setProblem({ kind: 'missing', field: missing, message })
      document.getElementById(`mitigation-${missing}`)?.focus()
      return
    }
    setSending(true)
    const answer =
      kind === 'drain'
        ? await drainMitigation(mitigationId, { actor, reason })
        : await extendMitigation(mitigationId, { actor, reason, expiresInSeconds })
    setSending(false)
    if (!answer.ok) return setProblem({ kind: 'said', problem: answer.problem })
    person.remember()
    notifications.show({ message: saidOf(kind, answer.value, endsAt) })
    router.refresh()
    onClose()
  }
  return (
    <form
      noValidate
      className={classes.form}
      onSubmit={(event) => {
        event.preventDefault()
        void send()
      }}
    >
      <div className={classes.left}>
        <p className={classes.summary}>
          {kind === 'drain' ? drain.summary : `${mitigationName(mitigation)} goes on.`}
        </p>
        {kind === 'extend' && (
          <Facts>
            <Fact name={ends ? 'Gives up' : 'Drains'}>
              <Until at={mitigation.expiresAt} />, at <Time at={mitigation.expiresAt} />
            </Fact>
            <Fact name={ends ? 'Will give up' : 'Will drain'}>
              <Until at={new Date(willEndAt).toISOString()} />, at <Time at={willEndAt} />
              {shortens && <b>, which is earlier</b>}
            </Fact>
          </Facts>
        )}
        <p className={classes.hint}>
          Way back: {kind === 'drain' ? drain.wayBack : (preview?.wayBack ?? 'drain it at any time.')}
        </p>
      </div>
      <div className={classes.foot}>
        <PersonFields
          actor={actor}
          reason={reason}
          expiresInSeconds={kind === 'extend' ? expiresInSeconds : null}
          errors={fieldErrors(problem, null)}
          onActor={edited(person.setActor)}
          onReason={edited(setReason)}
          onExpiry={edited(setExpiry)}
          expiryLabel={expiryLabel(mitigation.action)}
          narrow
        />
        <ProblemText problem={problem} />
        {closed !== null && (
          <Notice tone="warn" role="alert">
            {closed}
          </Notice>
        )}
        <div className={classes.buttons}>
          <button type="button" className={classes.plain} onClick={onClose}>
            {closed === null ? 'Cancel' : 'Close'}
          </button>
          <button
            type="submit"
            className={classes.submit}
            disabled={sending}
            // Not disabled for that: it may have the focus.
            aria-disabled={closed !== null || undefined}
          >
            {kind === 'drain' ? drain.submit : shortens ? 'Let it end earlier' : 'Extend it'}
          </button>
        </div>
      </div>
    </form>
  )
}

function saidOf(kind: ChangeKind, mitigation: Mitigation, endedAt: number): string {
  const name = mitigationName(mitigation)
  if (kind === 'drain' && mitigation.isMeasured) return `${name} is measured no longer.`
  if (kind === 'drain') return `${name} will be drained; it is ${PHASE_TEXT[mitigation.phase].toLowerCase()}.`
  return Date.parse(mitigation.expiresAt) < endedAt ? `${name} ends earlier now.` : `${name} is extended.`
}
