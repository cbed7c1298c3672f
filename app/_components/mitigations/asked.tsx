'use client'

import { IconCircleCheck } from '@tabler/icons-react'
import Link from 'next/link'
import { useEffect, useRef } from 'react'
import { ENDING_ACTIONS, type Mitigation } from '../../../core/mitigations/model.ts'
import { mitigationName, PHASE_TEXT } from '../../_lib/mitigation-text.ts'
import { mitigationHref } from '../../_lib/urls.ts'
import { Time } from '../clock.tsx'
import classes from './asked.module.css'
import dialog from './dialog-form.module.css'

const SAID = 'mitigation-asked'

/** What the server said when it was asked. `again`: the same request was there already. */
export function Asked({
  mitigation,
  again,
  onClose,
}: {
  mitigation: Mitigation
  again: boolean
  onClose: () => void
}) {
  const link = useRef<HTMLAnchorElement>(null)
  useEffect(() => link.current?.focus(), [])
  const { mitigationId, action, phase, expiresAt, preview } = mitigation
  return (
    <div className={classes.asked}>
      <IconCircleCheck size={26} stroke={1.7} aria-hidden="true" />
      <div id={SAID}>
        <p className={dialog.summary}>
          {mitigationName(mitigation)} is {again ? 'there already' : 'asked for'}: mitigation {mitigationId},{' '}
          {PHASE_TEXT[phase].toLowerCase()}.
        </p>
        <p className={dialog.hint}>
          The collector carries it out step by step and says what came of it.{' '}
          {ENDING_ACTIONS.has(action) ? (
            <>
              It ends by itself once it is done, and is given up at <Time at={expiresAt} />.{' '}
              {preview?.wayBack}
            </>
          ) : (
            <>
              It drains by itself at <Time at={expiresAt} />, and at once when it does harm.
            </>
          )}
        </p>
      </div>
      <div className={dialog.buttons}>
        <button type="button" className={dialog.plain} onClick={onClose}>
          Close
        </button>
        <Link
          ref={link}
          href={mitigationHref(mitigationId)}
          prefetch={false}
          className={dialog.submit}
          // Read out with the link, which takes the focus.
          aria-describedby={SAID}
          onClick={onClose}
        >
          Follow it
        </Link>
      </div>
    </div>
  )
}
