'use client'

import { useEffect, useMemo, useRef, useState } from 'react'
import type { Mitigation, MitigationRequest } from '../../../core/mitigations/model.ts'
import type { CacheKind } from '../../../core/model.ts'
import { fieldsOf, initialValues, isComplete, type Values, valuesOf } from '../../_lib/mitigation-fields.ts'
import {
  draftOf,
  dryRunText,
  maySend,
  nameToType,
  type Opening,
  submitText,
} from '../../_lib/mitigation-form.ts'
import { dryRunMitigation, requestMitigation } from '../../_lib/mitigation-requests.ts'
import { type Choice, choicesOf } from '../../_lib/mitigation-subject.ts'
import { ACTION_TEXT, expiryLabel } from '../../_lib/mitigation-text.ts'
import { ActionChoice } from './action-choice.tsx'
import { Asked } from './asked.tsx'
import dialog from './dialog-form.module.css'
import fields from './fields.module.css'
import { type FormProblem, fieldErrors, missingFields, ProblemText } from './form-problem.tsx'
import classes from './mitigation-form.module.css'
import { ParameterFields } from './parameter-fields.tsx'
import { PersonFields } from './person-fields.tsx'
import { PreviewPane } from './preview-pane.tsx'
import { type DialogAdvice, useAdvice } from './use-advice.ts'
import { usePerson } from './use-person.ts'
import { usePreview } from './use-preview.ts'

const DEFAULT_EXPIRY = 3_600

/** Choose, look, say who and why, ask. What the server says is shown; nothing is assumed. */
export function MitigationForm({
  opening,
  cacheKind,
  onClose,
}: {
  opening: Opening
  /** null where it is not known. */
  cacheKind: CacheKind | null
  onClose: () => void
}) {
  const { subject } = opening
  const advice = useAdvice(subject)
  const offered = useMemo(() => choicesOf(subject), [subject])
  const [chosenByHand, setChosenByHand] = useState<Choice | null>(
    offered.find(({ action }) => action === opening.action) ?? null,
  )
  const recommended = advice?.recommended ?? null
  const choices = useMemo(
    () =>
      offered.toSorted(
        (a, b) => Number(b.action === recommended?.action) - Number(a.action === recommended?.action),
      ),
    [offered, recommended],
  )
  const choice = chosenByHand ?? choices[0]
  // Before the advice is there the order is not known, and nothing is to jump.
  if (choice === undefined || advice === null) {
    return (
      <p className={classes.opening} tabIndex={-1} data-autofocus>
        Reading what was measured…
      </p>
    )
  }
  return (
    <Filled
      opening={opening}
      cacheKind={cacheKind}
      choices={choices}
      choice={choice}
      advice={advice}
      onChoose={setChosenByHand}
      onClose={onClose}
    />
  )
}

function Filled({
  opening,
  cacheKind,
  choices,
  choice,
  advice,
  onChoose,
  onClose,
}: {
  opening: Opening
  cacheKind: CacheKind | null
  choices: Choice[]
  choice: Choice
  advice: DialogAdvice
  onChoose: (choice: Choice) => void
  onClose: () => void
}) {
  const { subject } = opening
  const { action } = choice
  const [filled, setFilled] = useState<Record<string, Values>>(
    opening.action !== undefined && opening.values !== undefined ? { [opening.action]: opening.values } : {},
  )
  const { recommended } = advice
  const values =
    filled[action] ??
    (recommended?.action === action
      ? valuesOf(action, recommended.parameters)
      : initialValues(choice, subject))
  const person = usePerson()
  const [reason, setReason] = useState('')
  const [expiresInSeconds, setExpiry] = useState(DEFAULT_EXPIRY)
  const [taken, setTaken] = useState<string[]>([])
  const [typed, setTyped] = useState('')
  const [problem, setProblem] = useState<FormProblem | null>(null)
  const [said, setSaid] = useState<
    { kind: 'dry'; text: string } | { kind: 'asked'; mitigation: Mitigation; again: boolean } | null
  >(null)
  const [sending, setSending] = useState(false)
  const key = useRef({ of: '', key: '' })
  const form = useRef<HTMLFormElement>(null)
  // The dialog opened before there was anything to choose from.
  useEffect(() => form.current?.querySelector<HTMLInputElement>('input:checked')?.focus(), [])

  const draft = draftOf(subject, choice, values, expiresInSeconds)
  const previewed = usePreview(isComplete(action, values) ? draft : null)
  const { preview, problem: previewProblem, pending } = previewed
  const overrides = taken.filter((id) => preview?.refusals.some((refusal) => refusal.id === id))
  const request: MitigationRequest = { ...draft, actor: person.actor, reason, overrides, dryRun: false }
  const refused = preview?.refusals.some(({ overridable }) => !overridable) ?? false
  const text = ACTION_TEXT[action]
  const toType = text.dangerous ? nameToType(choice, values) : null
  const errors = fieldErrors(problem, previewProblem)

  const change = (name: string, value: string | boolean) => {
    setFilled((was) => ({ ...was, [action]: { ...values, [name]: value } }))
    setProblem(null)
    setSaid(null)
  }
  const choose = (next: Choice) => {
    onChoose(next)
    setTaken([])
    setTyped('')
    setProblem(null)
    setSaid(null)
  }
  // A problem is of what was filled in before.
  const edited =
    <T,>(set: (value: T) => void) =>
    (value: T) => {
      set(value)
      setProblem(null)
    }
  const missing = () =>
    missingFields({ request, complete: isComplete(action, values), toType, typed, preview, overrides })

  const send = async (dryRun: boolean) => {
    const found = missing()
    // A dry run needs no typed name: it writes nothing.
    const flaw = dryRun && found?.field === 'confirm' ? null : found
    if (flaw !== null) {
      setProblem({ kind: 'missing', ...flaw })
      document.getElementById(`mitigation-${flaw.field}`)?.focus()
      return
    }
    setSending(true)
    setProblem(null)
    setSaid(null)
    if (dryRun) {
      const answer = await dryRunMitigation(request)
      if (answer.ok) setSaid({ kind: 'dry', text: dryRunText(answer.value, overrides) })
      else setProblem({ kind: 'said', problem: answer.problem })
    } else {
      const of = JSON.stringify(request)
      if (key.current.of !== of) key.current = { of, key: crypto.randomUUID() }
      const answer = await requestMitigation(request, key.current.key)
      if (answer.ok) {
        person.remember()
        setSaid({ kind: 'asked', mitigation: answer.value, again: answer.status === 200 })
      } else setProblem({ kind: 'said', problem: answer.problem })
    }
    setSending(false)
  }

  if (said?.kind === 'asked')
    return <Asked mitigation={said.mitigation} again={said.again} onClose={onClose} />
  return (
    <form
      ref={form}
      className={dialog.form}
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        void send(false)
      }}
    >
      <div className={classes.columns}>
        <div className={dialog.left}>
          {recommended === null && advice.because !== null && (
            <p className={dialog.hint}>None is recommended. {advice.because}</p>
          )}
          <ActionChoice choices={choices} chosen={choice} recommended={recommended} onChoose={choose} />
          <ParameterFields
            fields={fieldsOf(action, values)}
            values={values}
            errors={errors}
            cacheId={subject.cacheId}
            shardId={choice.target.kind === 'shard' ? choice.target.shardId : null}
            onChange={change}
          />
        </div>
        <PreviewPane
          state={previewed}
          cacheId={subject.cacheId}
          cacheKind={cacheKind}
          taken={overrides}
          onTake={(id, take) => {
            setTaken((was) => (take ? [...was, id] : was.filter((each) => each !== id)))
            setProblem(null)
            setSaid(null)
          }}
        />
      </div>
      <div className={dialog.foot}>
        <PersonFields
          actor={person.actor}
          reason={reason}
          expiresInSeconds={expiresInSeconds}
          errors={errors}
          expiryLabel={expiryLabel(action)}
          onActor={edited(person.setActor)}
          onReason={edited(setReason)}
          onExpiry={edited((seconds) => {
            setExpiry(seconds)
            setSaid(null)
          })}
        />
        {toType !== null && toType !== '' && (
          <div className={classes.confirm}>
            <label htmlFor="mitigation-confirm">
              This can hurt those who use {subject.cacheId}
              {action === 'spread-ttls' && ' and cannot be undone'}. Type <b>{toType}</b> to confirm
            </label>
            <input
              id="mitigation-confirm"
              className={fields.input}
              value={typed}
              autoComplete="off"
              spellCheck={false}
              aria-invalid={errors.confirm !== undefined || undefined}
              onChange={(event) => edited(setTyped)(event.currentTarget.value)}
            />
          </div>
        )}
        <ProblemText problem={problem} />
        {/* There before it says anything: else it may not be read out. */}
        <p className={said === null ? 'visually-hidden' : classes.dry} role="status">
          {said?.text}
        </p>
        <div className={dialog.buttons}>
          <button type="button" className={dialog.plain} onClick={onClose}>
            Cancel
          </button>
          <button type="button" className={dialog.plain} disabled={sending} onClick={() => void send(true)}>
            Dry run
          </button>
          <button
            type="submit"
            className={dialog.submit}
            data-dangerous={text.dangerous || undefined}
            disabled={sending || !maySend({ preview, pending, problem: previewProblem, refused })}
          >
            {refused ? 'Refused' : submitText(choice, values)}
          </button>
        </div>
      </div>
    </form>
  )
}
