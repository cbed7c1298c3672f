import type { Node } from '../../../../../../core/model.ts'
import { EmptyState } from '../../../../../_components/empty-state.tsx'
import { Notice } from '../../../../../_components/notice.tsx'
import { Panel } from '../../../../../_components/panel.tsx'
import { SOURCES } from '../../../../../_lib/hot-key-text.ts'
import { STATE_WORDS } from '../_lib/watching-text.ts'
import classes from './node-view.module.css'

/** The ladder of sources: what hot keys are read by, and why not by something better. */
export function WatchSources({ node }: { node: Node }) {
  const { watching, hotKeysRefusal } = node
  const sources = watching?.sources ?? []
  const silent = node.state !== 'up' && node.state !== 'pending'
  return (
    <Panel title="How hot keys are read" hint="The best source that this node permits is used.">
      {hotKeysRefusal !== null && <Notice>Hot keys are not read here. {hotKeysRefusal}</Notice>}
      {sources.length > 0 && (
        <ol className={classes.ladder}>
          {sources.map(({ source, state, reason }) => (
            <li key={source} data-state={state}>
              <p>
                <code>{SOURCES[source].label}</code>
                <span className={classes.state}>{STATE_WORDS[state]}</span>
              </p>
              {state === 'used' && <p className={classes.reason}>{SOURCES[source].tells}</p>}
              {reason !== null && <p className={classes.reason}>{reason}</p>}
            </li>
          ))}
        </ol>
      )}
      {sources.length === 0 && hotKeysRefusal === null && (
        <EmptyState title={silent ? 'Not known now' : 'Not asked yet'} compact>
          <p>
            {silent
              ? 'What this node permits is found out again when it answers.'
              : 'What this node permits is found out with its first readings.'}
          </p>
        </EmptyState>
      )}
    </Panel>
  )
}
