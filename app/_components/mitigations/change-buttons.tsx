'use client'

import { type MouseEvent, useEffect, useRef, useState } from 'react'
import type { Mitigation } from '../../../core/mitigations/model.ts'
import { drainText, isStaying } from '../../_lib/mitigation-end.ts'
import { repeatedValues } from '../../_lib/mitigation-fields.ts'
import type { Subject } from '../../_lib/mitigation-subject.ts'
import { ACTION_TEXT } from '../../_lib/mitigation-text.ts'
import { focusHeading } from '../page-heading.ts'
import classes from './change.module.css'
import { ChangeDialog, type ChangeKind } from './change-dialog.tsx'
import { useMitigate } from './mitigate.tsx'
import look from './mitigate-button.module.css'

/**
 * Extend and drain while it runs, ask again when it is over; each says why, and how it is undone.
 * To be left in the page when it ends: what is typed into its dialog just then does not vanish.
 * @param repeats whether it offers to ask again @default true
 */
export function ChangeButtons({
  mitigation,
  subject,
  repeats = true,
}: {
  mitigation: Mitigation
  subject: Subject
  repeats?: boolean
}) {
  const [kind, setKind] = useState<ChangeKind | null>(null)
  const opener = useRef<HTMLButtonElement>(null)
  const open = useMitigate()
  useEffect(
    () => () => {
      if (opener.current !== null) focusHeading()
    },
    [],
  )
  const { phase, action, parameters, isMeasured } = mitigation
  const changes = isStaying(mitigation)
  const isRepeatable = phase === 'off' && repeats
  if (!changes && !isRepeatable && kind === null) return null
  const close = () => {
    setKind(null)
    // It gets the focus back, but for where it has gone meanwhile.
    if (!opener.current?.isConnected) focusHeading()
    opener.current = null
  }
  const show = (kind: ChangeKind) => (event: MouseEvent<HTMLButtonElement>) => {
    opener.current = event.currentTarget
    setKind(kind)
  }
  const repeat = () => open({ subject, action, values: repeatedValues(action, parameters) })
  return (
    <div className={classes.buttons}>
      {changes && !isMeasured && (
        <button
          type="button"
          ref={passFocusOn}
          className={look.button}
          aria-haspopup="dialog"
          onClick={show('extend')}
        >
          Extend
        </button>
      )}
      {changes && (
        <button
          type="button"
          ref={passFocusOn}
          className={look.button}
          data-look={isMeasured ? undefined : 'primary'}
          aria-haspopup="dialog"
          onClick={show('drain')}
        >
          {drainText(mitigation).title}
        </button>
      )}
      {isRepeatable && (
        <button type="button" className={look.button} aria-haspopup="dialog" onClick={repeat}>
          Repeat {ACTION_TEXT[action].name.toLowerCase()}
        </button>
      )}
      <ChangeDialog kind={kind} mitigation={mitigation} onClose={close} />
    </div>
  )
}

/** A button that goes while it has the focus, as when the mitigation begins to drain, leaves it to the heading. */
function passFocusOn(button: HTMLButtonElement) {
  return () => {
    if (document.activeElement === button) focusHeading()
  }
}
