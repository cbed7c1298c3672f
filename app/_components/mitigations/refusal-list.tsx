import { IconAlertTriangle, IconBan } from '@tabler/icons-react'
import type { Refusal } from '../../../core/mitigations/model.ts'
import fields from './fields.module.css'
import classes from './refusal-list.module.css'

/** Why it is refused; what a person may take on has a box to tick. Without `onTake` it is only told. */
export function RefusalList({
  refusals,
  taken,
  onTake,
}: {
  refusals: Refusal[]
  taken: string[]
  onTake?: (id: string, take: boolean) => void
}) {
  if (refusals.length === 0) return null
  const hard = refusals.filter(({ overridable }) => !overridable)
  return (
    <section
      id="mitigation-overrides"
      tabIndex={-1}
      className={classes.refusals}
      data-hard={hard.length > 0 || undefined}
      aria-label="Refusals"
    >
      <h3 className={classes.title}>
        {hard.length > 0 ? 'It is refused' : 'It is refused unless you take it on'}
      </h3>
      <ul>
        {refusals.map(({ id, message, overridable }) => (
          <li key={id}>
            {overridable && onTake !== undefined ? (
              <label className={fields.flag}>
                <input
                  type="checkbox"
                  checked={taken.includes(id)}
                  onChange={(event) => onTake(id, event.currentTarget.checked)}
                />
                <span>
                  {message} <b>I take this on.</b>
                </span>
              </label>
            ) : (
              <span className={classes.refusal}>
                {overridable ? (
                  <IconAlertTriangle size={15} aria-hidden="true" />
                ) : (
                  <IconBan size={15} aria-hidden="true" />
                )}
                <span>
                  {message}
                  {overridable && taken.includes(id) && <b> Taken on.</b>}
                </span>
              </span>
            )}
          </li>
        ))}
      </ul>
    </section>
  )
}
