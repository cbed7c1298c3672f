'use client'

import { type MouseEvent, useRef, useState } from 'react'
import type { Mitigation } from '../../../core/mitigations/model.ts'
import { repeatedValues } from '../../_lib/mitigation-fields.ts'
import type { Subject } from '../../_lib/mitigation-subject.ts'
import { ACTION_TEXT } from '../../_lib/mitigation-text.ts'
import { focusHeading } from '../page-heading.ts'
import classes from './change.module.css'
import { ChangeDialog, type ChangeKind } from './change-dialog.tsx'
import { useMitigate } from './mitigate.tsx'
import look from './mitigate-button.module.css'

/** Extend and drain while it runs, ask again when it is over; each says why, and how it is undone. */
export function ChangeButtons({ mitigation, subject }: { mitigation: Mitigation; subject: Subject }) {
  const [kind, setKind] = useState<ChangeKind | null>(null)
  const opener = useRef<HTMLButtonElement>(null)
  const open = useMitigate()
  const { phase, desired, action, parameters } = mitigation
  const running = phase === 'prepare' || phase === 'active'
  const drains = phase === 'draining' || (running && desired === 'off')
  const changes = running && !drains
  if (drains && kind === null) return null
  const close = () => {
    setKind(null)
    // It gets the focus back, but for where it has gone meanwhile.
    if (!opener.current?.isConnected) focusHeading()
  }
  const show = (kind: ChangeKind) => (event: MouseEvent<HTMLButtonElement>) => {
    opener.current = event.currentTarget
    setKind(kind)
  }
  const repeat = () => open({ subject, action, values: repeatedValues(action, parameters) })
  return (
    <div className={classes.buttons}>
      {changes && (
        <>
          <button
            type="button"
            ref={passFocusOn}
            className={look.button}
            aria-haspopup="dialog"
            onClick={show('extend')}
          >
            Extend
          </button>
          <button
            type="button"
            ref={passFocusOn}
            className={look.button}
            data-look="primary"
            aria-haspopup="dialog"
            onClick={show('drain')}
          >
            Drain now
          </button>
        </>
      )}
      {phase === 'off' && (
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
