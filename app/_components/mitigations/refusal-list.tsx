import { IconBan } from '@tabler/icons-react'
import type { Refusal } from '../../../core/mitigations/model.ts'
import fields from './fields.module.css'
import { MitigationLink } from './mitigation-link.tsx'
import classes from './refusal-list.module.css'

export function refusalTitle(refusals: readonly Refusal[]): string {
  return refusals.some(({ overridable }) => !overridable)
    ? 'It is refused'
    : 'It is refused unless you take it on'
}

/** Why it is refused; what a person may take on has a box to tick. */
export function RefusalList({
  refusals,
  taken,
  onTake,
}: {
  refusals: Refusal[]
  taken: string[]
  onTake: (id: string, take: boolean) => void
}) {
  if (refusals.length === 0) return null
  const isFinal = refusals.some(({ overridable }) => !overridable)
  return (
    <section
      id="mitigation-overrides"
      tabIndex={-1}
      className={classes.refusals}
      data-hard={isFinal || undefined}
      aria-label="Refusals"
    >
      <h3 className={classes.title}>{refusalTitle(refusals)}</h3>
      <ul>
        {refusals.map(({ id, message, overridable, mitigationId }) => (
          <li key={id}>
            {overridable ? (
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
                <IconBan size={15} aria-hidden="true" />
                <span>
                  {message}
                  {mitigationId !== undefined && (
                    <>
                      {' '}
                      <MitigationLink mitigationId={mitigationId} />
                    </>
                  )}
                </span>
              </span>
            )}
          </li>
        ))}
      </ul>
    </section>
  )
}
