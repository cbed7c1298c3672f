import type { Shard } from '../../../../core/model.ts'
import type { MitigationSample } from '../../../../store/mitigation-samples.ts'
import { ChartGrid } from '../../../_components/charts/chart-grid.tsx'
import type { ChartLine } from '../../../_components/charts/chart-lines.ts'
import { TimeChart } from '../../../_components/charts/time-chart.tsx'
import type { DetailData } from '../_lib/detail-data.ts'
import { hottestOverMean, onAxis } from '../_lib/series.ts'

/** A report comes every few seconds: an older one is not of now. */
const HOLD_MS = 12_000

/** What it did over time: the key at the servers and in the applications, the spread of the load, how long reads take. */
export function MitigationCharts({ data }: { data: DetailData }) {
  const { mitigation, samples, series, shards, events, history, range } = data
  const axis = { at: series.at, from: range.from, to: range.to }
  const marks = events.map((event) => ({ at: Date.parse(event.at), label: event.message }))
  const reported = (read: (sample: MitigationSample) => number | null) =>
    onAxis(
      series.at,
      samples.map((sample) => ({ at: Date.parse(sample.at), value: read(sample) })),
      HOLD_MS,
    )
  const seen =
    history === null
      ? []
      : onAxis(
          series.at,
          history.at.map((at, index) => ({ at, value: history.opsPerSec[index] ?? null })),
          Math.max(HOLD_MS, history.stepMs),
        )
  const ordinal = shardOfSlot(shards, data.slot)?.ordinal ?? 1
  const line = (id: string, label: string, values: (number | null)[], more: Partial<ChartLine> = {}) => ({
    id,
    label,
    values,
    ordinal: null,
    ...more,
  })
  const ofKey = mitigation.target.kind === 'key'
  const nothing = 'No application has reported in this range.'
  return (
    <ChartGrid>
      {ofKey && (
        <TimeChart
          {...axis}
          title="How often is the key asked for?"
          unit="per-second"
          nothing="It was not seen in this range."
          events={marks}
          lines={[
            line('seen', 'At the servers, under its own name', seen, { ordinal, endsWithGap: true }),
            line(
              'reads',
              'In the applications',
              reported((sample) => sample.readsPerSec),
              { dashed: true },
            ),
          ]}
        />
      )}
      {shards.length > 1 && (
        <TimeChart
          {...axis}
          title="How uneven is the load? (busiest shard ÷ mean)"
          unit="ratio"
          events={marks}
          lines={[line('skew', 'Busiest ÷ mean', hottestOverMean(series, shards))]}
        />
      )}
      {ofKey && (
        <>
          <TimeChart
            {...axis}
            title="How long does a read of it take?"
            unit="ms"
            nothing={nothing}
            events={marks}
            lines={[
              line(
                'p99',
                'p99, all processes',
                reported((sample) => ms(sample.p99Us)),
              ),
              line(
                'p50',
                'p50',
                reported((sample) => ms(sample.p50Us)),
                { dashed: true },
              ),
            ]}
          />
          <TimeChart
            {...axis}
            title="Where are its reads answered?"
            unit="per-second"
            nothing={samples.length === 0 ? nothing : 'No read of it was counted in this range.'}
            events={marks}
            lines={answered(samples).map(({ id, label, read }, index) =>
              line(id, label, reported(read), { dashed: index > 0 }),
            )}
          />
        </>
      )}
    </ChartGrid>
  )
}

const shardOfSlot = (shards: Shard[], slot: number | null) =>
  slot === null
    ? shards[0]
    : shards.find(({ slots }) => slots?.some(([from, to]) => from <= slot && slot <= to))
const ms = (us: number | null) => (us === null ? null : us / 1_000)
const total = (values: number[] | null) => values?.reduce((sum, value) => sum + value, 0) ?? null

/** Only the ways that were used: the others would be lines along zero. */
function answered(samples: MitigationSample[]) {
  const ways = [
    { id: 'local', label: 'In process', read: (sample: MitigationSample) => sample.localHitsPerSec },
    {
      id: 'variants',
      label: 'Under all its names',
      read: (sample: MitigationSample) => total(sample.variantReadsPerSec),
    },
    {
      id: 'replicas',
      label: 'By replicas',
      read: (sample: MitigationSample) => sample.replicaReadsPerSec,
    },
    {
      id: 'fallbacks',
      label: 'Base key, a copy was missing',
      read: (sample: MitigationSample) => sample.fallbacksPerSec,
    },
  ]
  return ways.filter(({ read }) => samples.some((sample) => (read(sample) ?? 0) > 0))
}
