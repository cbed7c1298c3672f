import type { HotKeyRow } from '../../../core/model.ts'
import { Age } from '../../_components/clock.tsx'
import { KeyName } from '../../_components/key-name.tsx'
import { formatRate, formatShare, plural } from '../../_lib/format.ts'
import { figureText } from '../../_lib/hot-key-text.ts'
import { isCurrent } from '../_lib/ranking.ts'

/** Every node has a busiest key; below this share of its node it is no news. */
const NOTABLE_SHARE = 0.1

/** The sentence that opens the page. `rows`: the ranking, current keys first; `full`: there may be more. */
export function HotKeysAnswer({ rows, full, now }: { rows: HotKeyRow[]; full: boolean; now: number }) {
  const top = rows[0]
  if (top === undefined) return <>No key is hot</>
  if (!isCurrent(top, now)) {
    return (
      <>
        No key is hot now; the last was <KeyName text={top.key} />, <Age at={top.window.to} />
      </>
    )
  }
  const others = rows
    .slice(1)
    .filter((row) => isCurrent(row, now) && (row.shareLow ?? 0) > NOTABLE_SHARE).length
  return (
    <>
      <KeyName text={top.key} />{' '}
      {top.share === null
        ? `is the hottest key (${figureText(top)}) of ${top.nodeAddress}, `
        : `is ${formatShare(top.share)} of the commands of ${top.nodeAddress}, `}
      shard {top.shardOrdinal} of {top.cacheId}
      {top.opsPerSec !== null && `, at ${formatRate(top.opsPerSec)}`}
      {others > 0 &&
        `; ${full && others === rows.length - 1 ? 'at least ' : ''}${plural(others, 'other key')} ${others === 1 ? 'takes' : 'take'} more than ${formatShare(NOTABLE_SHARE)} of a node`}
    </>
  )
}
