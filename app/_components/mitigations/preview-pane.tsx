'use client'

import { useState } from 'react'
import type { CacheKind } from '../../../core/model.ts'
import type { PreviewState } from '../../_lib/preview-state.ts'
import { Notice } from '../notice.tsx'
import dialog from './dialog-form.module.css'
import { HowToAdd } from './how-to-add.tsx'
import classes from './preview-pane.module.css'
import { PreviewView } from './preview-view.tsx'
import { RefusalList, refusalTitle } from './refusal-list.tsx'

/** What the chosen action would do, or why it would not; it goes on changing while it is looked at. */
export function PreviewPane({
  state,
  cacheId,
  cacheKind,
  taken,
  onTake,
}: {
  state: PreviewState
  cacheId: string
  cacheKind: CacheKind | null
  taken: string[]
  onTake: (id: string, take: boolean) => void
}) {
  const { preview, problem, pending } = state
  return (
    <section
      className={classes.pane}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
      tabIndex={0}
      aria-label="Preview"
      aria-busy={pending}
      data-pending={(pending && preview !== null) || undefined}
    >
      {problem !== null && (
        <Notice tone="warn">
          {problem.detail}
          {preview !== null && ' What stands below is of what was filled in before.'}
        </Notice>
      )}
      {preview !== null && (
        <>
          <RefusalList refusals={preview.refusals} taken={taken} onTake={onTake} />
          <HowToAdd cacheId={cacheId} kind={cacheKind} preview={preview} />
          <p className={dialog.summary}>{preview.summary}</p>
        </>
      )}
      <ReadOut state={state} />
      {preview !== null ? (
        <PreviewView preview={preview} />
      ) : (
        problem === null && (
          <p className={classes.waiting}>
            {pending
              ? 'Working out what it would do…'
              : 'Fill in what to do, and what it would do is shown here.'}
          </p>
        )
      )}
    </section>
  )
}

/** Once for each draft, and again when it comes to be refused or no longer is: figures that change are not news. */
function ReadOut({ state: { preview, previewOf } }: { state: PreviewState }) {
  const refusal =
    preview === null || preview.refusals.length === 0 ? '' : `${refusalTitle(preview.refusals)}. `
  const [said, setSaid] = useState({ of: previewOf, refusal, text: '' })
  if (said.of !== previewOf || said.refusal !== refusal) {
    setSaid({ of: previewOf, refusal, text: preview === null ? '' : `${refusal}${preview.summary}` })
  }
  return (
    <p className="visually-hidden" aria-live="polite">
      {said.text}
    </p>
  )
}
