/** How right the counts of the hottest keys are: ours, plain Space-Saving, count-min, and redis-cli --hotkeys. */
import { createStreamEngine } from '../collector/monitor/engine.ts'
import { parseCommandTable } from '../core/hot-keys/command-keys.ts'
import { totalUses } from '../core/hot-keys/interval.ts'
import { WINDOW_MS } from '../core/hot-keys/window.ts'
import { type BenchResult, describeMachine, round } from './result.ts'
import {
  countEvents,
  drawEvents,
  type Estimates,
  EVENTS,
  judge,
  KEYS,
  recallOf,
  type Truth,
} from './support/accuracy-events.ts'
import { CountMin } from './support/count-min.ts'
import { askHotkeys } from './support/lfu-hotkeys.ts'
import { COUNTER_BYTES, PlainSpaceSaving } from './support/plain-space-saving.ts'

const EXPONENTS = [0.7, 0.9, 0.99, 1.2]
const LFU_NAMES = 16
const MERGED_KEYS = 1_000
const START = 1_700_000_000_000
const BATCH = 1_000
const SEED = 0x5eed
const TABLE = parseCommandTable([['get', 2, ['readonly'], 1, 1, 1]])
/** The most that ours takes: tests hold it to that. */
const OUR_BYTES = 1024 * 1024

type Row = BenchResult['rows'][number]

export async function run(): Promise<BenchResult> {
  const rows: Row[] = []
  let kind = ''
  for (const exponent of EXPONENTS) {
    const events = drawEvents(exponent)
    const truth = countEvents(events)
    const row = (counter: string, bytes: number, estimates: Estimates) => {
      const { recall, meanError } = judge(truth, estimates)
      const named = [...estimates].sort(([, one], [, other]) => other - one).map(([key]) => key)
      rows.push({
        zipf: exponent,
        counter,
        'memory, KiB': Math.round(bytes / 1024),
        'recall@100': recall,
        'mean error of the top 100, %': round(meanError * 100),
        [`recall@${LFU_NAMES}`]: recallOf(truth, named, LFU_NAMES),
      })
    }
    const ours = countByEngine(events)
    kind = ours.kind
    row('Cachescope: engine and ring of ten slices', OUR_BYTES, ours.estimates)
    for (const counters of [2_048, OUR_BYTES / COUNTER_BYTES]) {
      const sketch = new PlainSpaceSaving(counters)
      for (const key of events) sketch.add(key)
      row(`Space-Saving, ${counters} counters`, counters * COUNTER_BYTES, sketch.estimates())
    }
    for (const width of [16_384, 65_536]) {
      const sketch = new CountMin(width)
      for (const key of events) sketch.add(key)
      row(`count-min, 4 × ${width}, with a heap`, sketch.sizeBytes, sketch.estimates())
    }
    rows.push(await lfuRow(exponent, events, truth))
  }
  return {
    name: `accuracy: the hottest keys of ${EVENTS} commands over ${KEYS} keys, the 1,000 hottest replaced midway`,
    machine: describeMachine(),
    rows,
    notes: [
      `Ours (${kind}) reads MONITOR's lines and forgets what is older than ten seconds: the commands come in ten of them. The others count keys as they come, in one run without end.`,
      `Memory: ours is its bound a node, all included; a counter of Space-Saving is reckoned as ${COUNTER_BYTES} bytes, with its key.`,
      `redis-cli --hotkeys names ${LFU_NAMES} keys and no rate: every key was set, then each command sent as a GET to a redis-server with allkeys-lfu. Its counter is kept with each key.`,
    ],
  }
}

function countByEngine(events: readonly string[]): { kind: string; estimates: Estimates } {
  const engine = createStreamEngine(TABLE, SEED)
  engine.begin({ replies: 1, ownAddresses: [], replica: false, primaryAddress: null })
  engine.feed(Buffer.from('+OK\r\n'), START)
  for (let from = 0; from < events.length; from += BATCH) {
    const lines = events
      .slice(from, from + BATCH)
      .map((key) => `+1700000000.123456 [0 10.0.0.9:50123] "GET" "${key}"\r\n`)
    engine.feed(Buffer.from(lines.join('')), START + Math.floor((from / events.length) * WINDOW_MS))
  }
  const merged = engine.merge(START + WINDOW_MS - 1, MERGED_KEYS)
  const { kind } = engine
  engine.close()
  if (merged?.commands !== events.length) throw new Error('The engine did not see every command')
  return {
    kind,
    estimates: new Map(
      merged.keys.map(({ key, slices }) => [Buffer.from(key).toString(), totalUses(slices)]),
    ),
  }
}

async function lfuRow(exponent: number, events: readonly string[], truth: Truth): Promise<Row> {
  const named = await askHotkeys(events)
  return {
    zipf: exponent,
    counter: 'redis-cli --hotkeys',
    'memory, KiB': '',
    'recall@100': '',
    'mean error of the top 100, %': '',
    [`recall@${LFU_NAMES}`]: recallOf(truth, named, LFU_NAMES),
  }
}
