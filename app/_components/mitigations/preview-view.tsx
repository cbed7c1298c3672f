'use client'

import { useState } from 'react'
import { isKeyAction } from '../../../core/mitigations/eligibility.ts'
import { changesNothing } from '../../../core/mitigations/look-ups.ts'
import type { Preview } from '../../../core/mitigations/model.ts'
import { formatRate, plural } from '../../_lib/format.ts'
import { commandsTitle } from '../../_lib/mitigation-commands.ts'
import { Age, useNow } from '../clock.tsx'
import dialog from './dialog-form.module.css'
import { Fact, Facts } from './facts.tsx'
import { LoadForecast, NodeForecast } from './load-forecast.tsx'
import classes from './preview-view.module.css'

const SHOWN_WARNINGS = 4
/** Two reports of hot keys, which come every 5 s, and two previews, which are asked for as often. */
const STALE_AFTER_MS = 10_000

/** With which commands, to which loads, and how it is undone; the sentence that says what stands before it. */
export function PreviewView({ preview }: { preview: Preview }) {
  const { staleness, wayBack, warnings, commands, keyOpsPerSecAfter, keyFiguresAt } = preview
  const nodes = preview.nodes ?? []
  const sharedByNodes = nodes.length > 0
  return (
    <>
      <Warnings warnings={warnings} />
      <section className={classes.part}>
        <h3>
          Load of each shard
          <AnsweredAge preview={preview} />
        </h3>
        <LoadForecast
          before={preview.before}
          after={preview.after}
          overMean={[preview.hottestOverMeanBefore, preview.hottestOverMeanAfter]}
          words={['now', 'predicted']}
        />
        {(keyOpsPerSecAfter !== null || keyFiguresAt != null) && (
          <p className={`${dialog.hint} ${classes.ofKey}`}>
            {keyOpsPerSecAfter !== null &&
              `${formatRate(keyOpsPerSecAfter)} of the key stay on ${sharedByNodes ? 'its primary' : 'its own shard'}. `}
            {keyFiguresAt != null && (
              <Age
                at={keyFiguresAt}
                staleAfterMs={STALE_AFTER_MS}
                prefix="The key’s own figures are "
                suffix=" old."
              />
            )}
          </p>
        )}
      </section>
      {sharedByNodes && (
        <section className={classes.part}>
          <h3>Load of each node of its shard</h3>
          <NodeForecast nodes={nodes} />
        </section>
      )}
      <Facts>
        {staleness !== null && <Fact name="Staleness">{staleness}</Fact>}
        <Fact name="Way back">{wayBack}</Fact>
        {isKeyAction(preview.action) && <Fact name="Takes part">{participants(preview)}</Fact>}
      </Facts>
      <Commands commands={commands} />
    </>
  )
}

/** Where the next answer is late, what is called now is not. */
function AnsweredAge({ preview }: { preview: Preview }) {
  const now = useNow()
  const [answered, setAnswered] = useState({ preview, at: now })
  if (answered.preview !== preview) setAnswered({ preview, at: now })
  return (
    <span className={classes.age}>
      <Age at={answered.at} staleAfterMs={STALE_AFTER_MS} prefix=" · " />
    </span>
  )
}

/** Of sixty shards each may have its own: those after the first few are folded away. */
function Warnings({ warnings }: { warnings: string[] }) {
  if (warnings.length === 0) return null
  const item = (warning: string) => <li key={warning}>{warning}</li>
  const folded = warnings.slice(SHOWN_WARNINGS)
  return (
    <div className={classes.warnings}>
      <ul>{warnings.slice(0, SHOWN_WARNINGS).map(item)}</ul>
      {folded.length > 0 && (
        <details>
          <summary>{plural(folded.length, 'more warning')}</summary>
          <ul>{folded.map(item)}</ul>
        </details>
      )}
    </div>
  )
}

function participants({ apps, connectionsWithoutLibrary }: Preview): string {
  const bare =
    connectionsWithoutLibrary === null
      ? 'connections without the library are not counted'
      : `${plural(connectionsWithoutLibrary, 'connection')} without the library`
  if (apps.length === 0) return `No application with the library; ${bare}.`
  const named = apps.map(
    ({ app, instances, hosts, disabled = 0 }) =>
      `${app}: ${plural(instances, 'process', 'processes')} on ${plural(hosts.length, 'host')}${disabled === 0 ? '' : `, ${disabled} of them switched off`}`,
  )
  return `${named.join(', ')}; ${bare}.`
}

function Commands({ commands }: { commands: Preview['commands'] }) {
  if (commands.length === 0) return null
  return (
    <details className={classes.commands}>
      <summary>{commandsTitle(commands)}</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <ol tabIndex={0} aria-label="Commands in order">
        {commands.map(({ node, command }, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the same command may be sent twice, in this order
          <li key={index}>
            <span className={classes.commandNode}>{node}</span>
            <code>{command}</code>
            {changesNothing(command) && <span className={classes.commandLooks}>only looks</span>}
          </li>
        ))}
      </ol>
    </details>
  )
}
