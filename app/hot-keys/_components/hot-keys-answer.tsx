import type { HotKeyRow } from '../../../core/model.ts'
import { Age } from '../../_components/clock.tsx'
import { KeyName } from '../../_components/key-name.tsx'
import { formatRate, formatShare, plural } from '../../_lib/format.ts'
import { isCurrent } from '../_lib/ranking.ts'

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
  const current = rows.filter((row) => isCurrent(row, now)).length
  return (
    <>
      <KeyName text={top.key} /> is {formatShare(top.share)} of the load of shard {top.shardOrdinal} of{' '}
      {top.cacheId}, at {formatRate(top.opsPerSec)}
      {current > 1 &&
        `; ${full ? 'at least ' : ''}${plural(current - 1, 'other key')} ${current === 2 ? 'is' : 'are'} hot as well`}
    </>
  )
}
