'use client'

import { IconBolt } from '@tabler/icons-react'
import type { Subject } from '../../_lib/mitigation-subject.ts'
import { useMitigate } from './mitigate.tsx'
import classes from './mitigate-button.module.css'

/**
 * Opens the dialog of mitigations.
 * @param look `primary`: the one action of a page; `row`: within a table; `icon`: the same without room for words; `plain`: beside
 * others
 */
export function MitigateButton({
  subject,
  text,
  look = 'plain',
}: {
  subject: Subject
  text: string
  look?: 'primary' | 'row' | 'icon' | 'plain'
}) {
  const open = useMitigate()
  return (
    <button
      type="button"
      className={classes.button}
      data-look={look}
      aria-haspopup="dialog"
      aria-label={look === 'row' || look === 'icon' ? `${text} ${subject.label.slice(0, 120)}` : undefined}
      onClick={() => open({ subject })}
    >
      <IconBolt size={14} stroke={1.9} aria-hidden="true" />
      {look !== 'icon' && text}
    </button>
  )
}
