import { IconAlertTriangle } from '@tabler/icons-react'
import type { MitigationAction } from '../../../core/mitigations/model.ts'
import type { Choice } from '../../_lib/mitigation-subject.ts'
import { ACTION_TEXT } from '../../_lib/mitigation-text.ts'
import classes from './action-choice.module.css'

/** What can be done, the recommended first with the reason. */
export function ActionChoice({
  choices,
  chosen,
  recommended,
  onChoose,
}: {
  choices: Choice[]
  chosen: Choice
  recommended: { action: MitigationAction; because: string } | null
  onChoose: (choice: Choice) => void
}) {
  return (
    <fieldset className={classes.choices}>
      <legend className={classes.legend}>What to do</legend>
      {choices.map((choice) => {
        const text = ACTION_TEXT[choice.action]
        const advised = recommended?.action === choice.action ? recommended.because : null
        const checked = choice === chosen
        return (
          <label
            key={choice.action}
            className={classes.choice}
            data-checked={checked || undefined}
            data-dangerous={text.dangerous || undefined}
          >
            <input
              type="radio"
              name="action"
              checked={checked}
              data-autofocus={checked || undefined}
              onChange={() => onChoose(choice)}
            />
            <span className={classes.text}>
              <span className={classes.name}>
                {text.name}
                {advised !== null && <span className={classes.tag}>Recommended</span>}
                {text.dangerous && (
                  <span className={classes.danger}>
                    <IconAlertTriangle size={13} aria-hidden="true" />
                    can do harm
                  </span>
                )}
              </span>
              <span className={classes.does}>{text.does}</span>
              {advised !== null && <span className={classes.because}>{advised}</span>}
            </span>
          </label>
        )
      })}
    </fieldset>
  )
}
