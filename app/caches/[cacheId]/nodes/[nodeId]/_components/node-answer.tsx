import type { Node } from '../../../../../../core/model.ts'
import { Age } from '../../../../../_components/clock.tsx'
import { formatMetric, formatRate } from '../../../../../_lib/format.ts'

/** The sentence that opens a node's page. */
export function NodeAnswer({ node }: { node: Node }) {
  if (node.state === 'pending') return <>{node.address} has not been asked yet</>
  if (node.state !== 'up') {
    const what = node.stateMessage?.replace(/\.$/, '') ?? `${node.address} answers ${node.state}`
    return (
      <>
        {what}; since <Age at={node.stateSince} suffix="" />
      </>
    )
  }
  const place = node.shardOrdinal === null ? node.cacheId : `shard ${node.shardOrdinal} of ${node.cacheId}`
  const load = node.latest?.opsPerSec ?? null
  const ping = node.latest?.pingMs ?? null
  if (load === null) {
    return (
      <>
        {node.address} is up as {node.role} of {place}; its first figures come with the next reading
      </>
    )
  }
  return (
    <>
      {node.address} serves {formatRate(load)} as {node.role} of {place}
      {ping !== null && `, and answers PING in ${formatMetric('pingMs', ping)}`}
    </>
  )
}
