import Link from 'next/link'
import { heatOf } from '../../../../../../../core/hot-keys/heat.ts'
import { patternOf } from '../../../../../../../core/hot-keys/match-pattern.ts'
import { mergeHotKeys } from '../../../../../../../core/hot-keys/merge-nodes.ts'
import type { CacheHotKey, HotKey, HotPattern } from '../../../../../../../core/model.ts'
import { Age } from '../../../../../../_components/clock.tsx'
import { Panel } from '../../../../../../_components/panel.tsx'
import { Stat, Stats } from '../../../../../../_components/stat.tsx'
import {
  formatByteRate,
  formatBytes,
  formatDuration,
  formatShare,
  plural,
  UNKNOWN,
} from '../../../../../../_lib/format.ts'
import { commandText, isGlobOfItself, SOURCES } from '../../../../../../_lib/hot-key-text.ts'
import type { RangeQuery } from '../../../../../../_lib/page-range.ts'
import { hotKeysHref } from '../../../../../../_lib/urls.ts'

/** What the key is: how it is used, how big, whether it exists, of which pattern, and how all that is known. */
export function KeyFacts({
  name,
  current,
  patterns,
  range,
}: {
  name: string
  current: HotKey[]
  /** The hot patterns of its cache. */
  patterns: HotPattern[]
  range: RangeQuery
}) {
  const [key] = mergeHotKeys(current, new Map())
  if (key === undefined) return null
  const { window, probedAt, sizeBytes, isMissing } = key
  const checked = probedAt === null ? 'not checked yet' : <Age at={probedAt} prefix="checked " />
  const pattern = patternOf(
    name,
    patterns.map((each) => each.pattern),
  )
  const share = patterns.find((each) => pattern !== null && each.pattern === pattern)?.share
  return (
    <Panel title="What kind of key is it?" hint={SOURCES[key.source].tells}>
      <Stats>
        <Stat label="Used" value={heatOf(key) ?? UNKNOWN} note={usedNote(key)} />
        <Stat
          label="Commands seen"
          value={key.commands.length === 0 ? UNKNOWN : key.commands.map(commandText).join(', ')}
          note={key.commands.length === 0 ? 'its source tells none' : 'in the newest reports'}
        />
        <Stat
          label="Exists"
          value={isMissing === null ? UNKNOWN : isMissing ? 'no, missing' : 'yes'}
          tone={isMissing === true ? 'warn' : undefined}
          note={checked}
        />
        <Stat
          label="Size"
          value={isMissing === true ? 'none' : formatBytes(sizeBytes)}
          note={isMissing === true ? 'it does not exist' : checked}
        />
        <Stat
          label="Bytes per second"
          value={isMissing === true ? 'none' : formatByteRate(key.bytesPerSec)}
          note="rate × size"
        />
        <Stat
          label="Pattern"
          value={
            pattern === null ? (
              'none of the hot ones'
            ) : !isGlobOfItself(pattern) ? (
              <code>{pattern}</code>
            ) : (
              <Link href={hotKeysHref({ cache: key.cacheId, pattern }, range)} prefetch={false}>
                <code>{pattern}</code>
              </Link>
            )
          }
          note={share === undefined ? undefined : `${formatShare(share)} of the cache`}
        />
        <Stat
          label="Source"
          value={SOURCES[key.source].label}
          note={`${window.sampledCommands === null ? '' : `${plural(window.sampledCommands, 'command')} in `}${formatDuration((Date.parse(window.to) - Date.parse(window.from)) / 1000)}`}
        />
      </Stats>
    </Panel>
  )
}

function usedNote({ opsPerSec, readsPerSec, writesPerSec }: CacheHotKey): string {
  if (opsPerSec === null) return 'its source tells no rates'
  if (readsPerSec === null || writesPerSec === null) return 'its source does not tell reads from writes'
  const uses = readsPerSec + writesPerSec
  return uses > 0 ? `${formatShare(readsPerSec / uses)} reads` : 'neither read nor written'
}
