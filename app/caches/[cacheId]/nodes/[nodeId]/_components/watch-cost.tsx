import type { Node } from '../../../../../../core/model.ts'
import { Notice } from '../../../../../_components/notice.tsx'
import { Panel } from '../../../../../_components/panel.tsx'
import { formatByteRate, formatRate, formatShare } from '../../../../../_lib/format.ts'
import { Fact, FactList } from './fact-list.tsx'
import classes from './node-view.module.css'

/** What watching this node costs it, all sources together. */
export function WatchCost({ node }: { node: Node }) {
  const { latest } = node
  const own = latest?.ownCommandsPerSec ?? null
  const load = latest?.opsPerSec ?? null
  return (
    <Panel title="What watching it costs" hint="Counted per command sent; the figures above are without it.">
      <FactList>
        <Fact
          label="Commands"
          value={formatRate(own)}
          note={own !== null && load !== null && load > 0 ? `for ${formatRate(load)} of your own` : undefined}
        />
        <Fact label="Bytes, both ways" value={formatByteRate(latest?.ownBytesPerSec)} />
        <Fact label="Of the node's time" value={formatShare(latest?.ownCpuShare)} />
      </FactList>
      {node.hotKeysRefusal !== null && (
        <div className={classes.below}>
          <Notice>Hot keys are not read here. {node.hotKeysRefusal}</Notice>
        </div>
      )}
    </Panel>
  )
}
