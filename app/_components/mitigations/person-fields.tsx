import { EXPIRIES } from '../../_lib/mitigation-form.ts'
import fields from './fields.module.css'
import classes from './person-fields.module.css'

/** Who asks, why, and for how long. `expiresInSeconds` null: it is not asked for. */
export function PersonFields({
  actor,
  reason,
  expiresInSeconds,
  errors,
  onActor,
  onReason,
  onExpiry,
  expiryLabel,
  narrow = false,
}: {
  actor: string
  reason: string
  expiresInSeconds: number | null
  errors: Record<string, string>
  onActor: (actor: string) => void
  onReason: (reason: string) => void
  onExpiry: (seconds: number) => void
  expiryLabel: string
  /** In a small dialog the reason has a line of its own. */
  narrow?: boolean
}) {
  const flaw = (name: string, hint?: string) => ({
    'aria-invalid': errors[name] !== undefined || undefined,
    'aria-describedby': errors[name] === undefined ? hint : `mitigation-${name}-error`,
  })
  const told = (name: string) =>
    errors[name] !== undefined && (
      <span className={fields.error} id={`mitigation-${name}-error`}>
        {errors[name]}
      </span>
    )
  return (
    <div className={classes.person} data-narrow={narrow || undefined}>
      <div className={fields.field}>
        <label htmlFor="mitigation-actor">Your name</label>
        <input
          id="mitigation-actor"
          className={fields.input}
          value={actor}
          maxLength={120}
          autoComplete="name"
          data-autofocus
          onChange={(event) => onActor(event.currentTarget.value)}
          {...flaw('actor', 'mitigation-actor-hint')}
        />
        {told('actor') || (
          <span className={fields.hint} id="mitigation-actor-hint">
            There is no sign-in: the name is what you type.
          </span>
        )}
      </div>
      {expiresInSeconds !== null && (
        <div className={fields.field}>
          <label htmlFor="mitigation-expiry">{expiryLabel}</label>
          <select
            id="mitigation-expiry"
            className={fields.input}
            value={expiresInSeconds}
            onChange={(event) => onExpiry(Number(event.currentTarget.value))}
          >
            {EXPIRIES.map(({ seconds, label }) => (
              <option key={seconds} value={seconds}>
                {label}
              </option>
            ))}
          </select>
        </div>
      )}
      <div className={fields.field} data-wide>
        <label htmlFor="mitigation-reason">Reason, for those who read it later</label>
        <input
          id="mitigation-reason"
          className={fields.input}
          value={reason}
          maxLength={500}
          autoComplete="off"
          onChange={(event) => onReason(event.currentTarget.value)}
          {...flaw('reason')}
        />
        {told('reason')}
      </div>
    </div>
  )
}
