import type { CacheHotKey, HotPattern } from '../../../core/model.ts'
import { KeyName } from '../../_components/key-name.tsx'
import { formatByteRate, formatBytes, formatRate, formatShare, plural } from '../../_lib/format.ts'
import type { Listed } from '../_lib/listed.ts'
import { HotKeysAnswer } from './hot-keys-answer.tsx'

/** The sentence that opens the page: what leads the list that is shown. `full`: there may be more than is listed. */
export function ListAnswer({ listed, full, now }: { listed: Listed; full: boolean; now: number }) {
  if (listed.list === 'keys') return <HotKeysAnswer rows={listed.rows} full={full} now={now} />
  if (listed.list === 'patterns') return <PatternsAnswer rows={listed.rows} />
  return listed.list === 'missing' ? (
    <MissingAnswer rows={listed.rows} full={full} />
  ) : (
    <BigAnswer rows={listed.rows} />
  )
}

function PatternsAnswer({ rows }: { rows: HotPattern[] }) {
  const top = rows[0]
  if (top === undefined) return <>No pattern is known now</>
  if (top.pattern === null) return <>The keys that are asked for share no pattern</>
  return (
    <>
      <KeyName text={top.pattern} /> is {formatShare(top.share)} of the commands of {top.cacheId}, at{' '}
      {formatRate(top.opsPerSec)}
    </>
  )
}

function MissingAnswer({ rows, full }: { rows: CacheHotKey[]; full: boolean }) {
  const top = rows[0]
  if (top === undefined) return <>No hot key is known to be missing</>
  const others = rows.length - 1
  return (
    <>
      <KeyName text={top.key} /> of {top.cacheId} does not exist
      {top.opsPerSec === null ? ' and is asked for' : ` and is asked for at ${formatRate(top.opsPerSec)}`}
      {others > 0 &&
        `; ${full ? 'at least ' : ''}${plural(others, 'other hot key')} ${others === 1 ? 'is' : 'are'} missing`}
    </>
  )
}

function BigAnswer({ rows }: { rows: CacheHotKey[] }) {
  const top = rows[0]
  if (top === undefined) return <>No size of a hot key is known now</>
  return (
    <>
      <KeyName text={top.key} /> of {top.cacheId} is {formatBytes(top.sizeBytes)} and used at{' '}
      {formatRate(top.opsPerSec)}: up to {formatByteRate(top.bytesPerSec)}
    </>
  )
}
