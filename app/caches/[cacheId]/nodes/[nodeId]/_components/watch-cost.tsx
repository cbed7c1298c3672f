import type { Node, Watching } from '../../../../../../core/model.ts'
import { Age } from '../../../../../_components/clock.tsx'
import { type Column, DataTable } from '../../../../../_components/data-table.tsx'
import { Panel } from '../../../../../_components/panel.tsx'
import {
  formatByteRate,
  formatBytes,
  formatMs,
  formatRate,
  formatShare,
  formatUs,
  plural,
  UNKNOWN,
} from '../../../../../_lib/format.ts'
import { endText } from '../_lib/watching-text.ts'
import { Fact, FactList } from './fact-list.tsx'
import classes from './node-view.module.css'

/** What watching this node costs it, all sources together: the budget, what was predicted and what was measured. */
export function WatchCost({ node, staleAfterMs }: { node: Node; staleAfterMs: number }) {
  const { latest, watching } = node
  const own = latest?.ownCommandsPerSec ?? null
  const load = latest?.opsPerSec ?? null
  return (
    <Panel
      title="Cost of watching"
      hint="Counted per command sent; the node's other figures are without it."
      aside={latest === null ? undefined : <Age at={latest.at} staleAfterMs={staleAfterMs} />}
    >
      <FactList>
        {watching !== null && (
          <Fact
            label="Budget"
            value={`${formatShare(watching.budget)} of its time`}
            note={watching.attention === null ? undefined : `${formatShare(watching.attention)} of it in use`}
          />
        )}
        <Fact label="All that Cachescope takes" value={formatShare(latest?.ownCpuShare)} note="of its time" />
        <Fact
          label="Commands"
          value={formatRate(own)}
          note={own !== null && load !== null && load > 0 ? `for ${formatRate(load)} of your own` : undefined}
        />
        <Fact label="Bytes, both ways" value={formatByteRate(latest?.ownBytesPerSec)} />
        {watching?.lastBurst && <LastBurst burst={watching.lastBurst} />}
      </FactList>
      {watching !== null && <Forecast watching={watching} />}
    </Panel>
  )
}

type Burst = NonNullable<Watching['lastBurst']>

function LastBurst({ burst }: { burst: Burst }) {
  return (
    <>
      <Fact label="Last look" value={<Age at={burst.at} />} note={`for ${formatMs(burst.windowMs)}`} />
      <Fact label="It read" value={plural(burst.commands, 'command')} note={formatBytes(burst.bytes)} />
      <Fact
        label="Longest wait it may have made"
        value={formatMs(burst.predictedLatencyMs)}
        note="for a client"
      />
      <Fact label="It ended as" value={endText(burst.end)} />
    </>
  )
}

type Line = { name: string; predicted: string; measured: string }

const columns: Column<Line>[] = [
  { key: 'name', header: 'Cost', grow: true, cell: (line) => line.name },
  { key: 'predicted', header: 'Predicted', align: 'right', cell: (line) => line.predicted },
  { key: 'measured', header: 'Measured', align: 'right', cell: (line) => line.measured },
]

/** What was thought before beside what the node's own CPU clock said after. */
function Forecast({ watching: { predictedShare, measuredShare, lastBurst } }: { watching: Watching }) {
  const measured = (figure: number | null, known: (figure: number) => string) =>
    figure === null || figure <= 0 ? 'too small to tell' : known(figure)
  const lines: Line[] = [
    {
      name: 'Last minute, of its time',
      predicted: formatShare(predictedShare),
      measured: predictedShare === null ? UNKNOWN : measured(measuredShare, formatShare),
    },
  ]
  if (lastBurst !== null) {
    lines.push({
      name: 'Last look',
      predicted: formatUs(lastBurst.predictedUs),
      measured: measured(lastBurst.measuredUs, formatUs),
    })
  }
  return (
    <div className={classes.edges}>
      <DataTable
        caption="Predicted and measured cost of watching"
        columns={columns}
        rows={lines}
        rowKey={(line) => line.name}
      />
    </div>
  )
}
