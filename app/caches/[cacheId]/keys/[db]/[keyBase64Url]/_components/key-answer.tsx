import type { HotKey, Node } from '../../../../../../../core/model.ts'
import { Age } from '../../../../../../_components/clock.tsx'
import { KeyName } from '../../../../../../_components/key-name.tsx'
import { formatRate, formatShare, plural } from '../../../../../../_lib/format.ts'
import { figureText, readShare } from '../../../../../../_lib/hot-key-text.ts'

/** The sentence that opens a key's page. `current`: where it is hot now, the busiest node first. */
export function KeyAnswer({
  name,
  current,
  lastSeenAt,
  nodes,
}: {
  name: string
  current: HotKey[]
  lastSeenAt: string
  nodes: Node[]
}) {
  const top = current[0]
  if (top === undefined) {
    return (
      <>
        <KeyName text={name} /> is not hot now; it was last <Age at={lastSeenAt} />
      </>
    )
  }
  const node = nodes.find(({ nodeId }) => nodeId === top.nodeId)
  const opsPerSec = current.reduce((sum, { opsPerSec }) => sum + (opsPerSec ?? 0), 0)
  const isMissing =
    current.some((row) => row.isMissing !== null) && !current.some((row) => row.isMissing === false)
  const reads = readShare(current)
  return (
    <>
      <KeyName text={name} />{' '}
      {top.share === null
        ? `is number ${top.rank} (${figureText(top)}) of `
        : `is ${formatShare(top.share)} of the commands of `}
      {node?.address ?? 'its node'}
      {node !== undefined && node.shardOrdinal !== null && `, shard ${node.shardOrdinal}`}
      {top.opsPerSec !== null && `, at ${formatRate(top.opsPerSec)}`}
      {current.length > 1 &&
        opsPerSec > 0 &&
        `, ${formatRate(opsPerSec)} over ${plural(current.length, 'node')}`}
      {reads !== null && `; ${formatShare(reads)} of it reads`}
      {isMissing && '; it does not exist'}
    </>
  )
}
